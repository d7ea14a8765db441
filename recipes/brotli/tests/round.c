/* Standard input packed and unpacked again. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <stdio.h>

int main(void)
{
	uint8_t text[4096], packed[8192];
	size_t length = fread(text, 1, sizeof text, stdin), room = sizeof packed, back = sizeof text;
	if (!BrotliEncoderCompress(BROTLI_DEFAULT_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, length, text, &room, packed))
		return 1;
	if (BrotliDecoderDecompress(room, packed, &back, text) != BROTLI_DECODER_RESULT_SUCCESS)
		return 2;
	fwrite(text, 1, back, stdout);
	return 0;
}
