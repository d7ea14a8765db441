/* A header through the compression and back. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>

int main(void)
{
	nghttp2_nv path = { (uint8_t *)":path", (uint8_t *)"/hello", 5, 6, NGHTTP2_NV_FLAG_NONE }, again;
	nghttp2_hd_deflater *pack;
	nghttp2_hd_inflater *unpack;
	uint8_t wire[64];
	int flags = 0;
	nghttp2_ssize length;

	if (nghttp2_hd_deflate_new(&pack, 4096) || nghttp2_hd_inflate_new(&unpack))
		return 1;
	length = nghttp2_hd_deflate_hd2(pack, wire, sizeof wire, &path, 1);
	if (length < 0 || nghttp2_hd_inflate_hd3(unpack, &again, &flags, wire, length, 1) < 0)
		return 2;
	if (!(flags & NGHTTP2_HD_INFLATE_EMIT))
		return 3;
	printf("%s %s in %d octets\n", again.name, again.value, (int)length);
	return 0;
}
