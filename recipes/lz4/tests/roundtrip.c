/* Compresses what comes in, decompresses it again, and writes length and text. */
#include <lz4frame.h>
#include <stdio.h>

int main(void)
{
	static char text[4096], packed[65536], again[4096];
	size_t length = fread(text, 1, sizeof text, stdin), back = sizeof again;
	size_t small = LZ4F_compressFrame(packed, sizeof packed, text, length, NULL);
	LZ4F_dctx *context;

	if (LZ4F_isError(small) || LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
		return 1;
	if (LZ4F_decompress(context, again, &back, packed, &small, NULL) != 0)
		return 2;
	printf("%zu %.*s\n", back, (int)back, again);
	return 0;
}
