/* What stands on standard input survives a way through deflate and inflate. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(void)
{
	unsigned char plain[4096], packed[8192], again[4096];
	uLong size = fread(plain, 1, sizeof plain, stdin);
	uLongf packed_size = sizeof packed, again_size = sizeof again;
	if (compress(packed, &packed_size, plain, size) != Z_OK)
		return 1;
	if (uncompress(again, &again_size, packed, packed_size) != Z_OK)
		return 2;
	if (again_size != size || memcmp(plain, again, size))
		return 3;
	return fwrite(again, 1, again_size, stdout) != again_size;
}
