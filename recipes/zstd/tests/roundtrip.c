/* Compresses what comes in, decompresses it again, and writes length and text. */
#include <stdio.h>
#include <zstd.h>

int main(void)
{
	static char text[4096], packed[8192], again[4096];
	size_t length = fread(text, 1, sizeof text, stdin);
	size_t small = ZSTD_compress(packed, sizeof packed, text, length, 19);
	size_t back = ZSTD_decompress(again, sizeof again, packed, small);

	if (ZSTD_isError(small) || ZSTD_isError(back))
		return 1;
	printf("%zu %.*s\n", back, (int)back, again);
	return 0;
}
