/* Compresses what comes in, decompresses it again, and writes both lengths and the text. */
#include <bzlib.h>
#include <stdio.h>

int main(void)
{
	static char text[4096], packed[8192], again[4096];
	unsigned length = fread(text, 1, sizeof text, stdin), small = sizeof packed, back = sizeof again;

	if (BZ2_bzBuffToBuffCompress(packed, &small, text, length, 9, 0, 0) != BZ_OK)
		return 1;
	if (BZ2_bzBuffToBuffDecompress(again, &back, packed, small, 0, 0) != BZ_OK)
		return 2;
	printf("%u %.3s %.*s\n", back, packed, (int)back, again);
	return 0;
}
