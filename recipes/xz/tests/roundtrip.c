/* Compresses what comes in, decompresses it again, and writes length and text. */
#include <lzma.h>
#include <stdio.h>

int main(void)
{
	static uint8_t text[4096], packed[8192], again[4096];
	size_t length = fread(text, 1, sizeof text, stdin), small = 0, from = 0, back = 0;
	uint64_t memory = UINT64_MAX;

	if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, text, length, packed, &small, sizeof packed) != LZMA_OK)
		return 1;
	if (lzma_stream_buffer_decode(&memory, 0, NULL, packed, &from, small, again, &back, sizeof again) != LZMA_OK)
		return 2;
	printf("%zu %.*s\n", back, (int)back, (char *)again);
	return 0;
}
