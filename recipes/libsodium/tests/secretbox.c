/* Encrypts what comes in; a changed byte must be refused, the right ones read. */
#include <sodium.h>
#include <stdio.h>

int main(void)
{
	unsigned char key[crypto_secretbox_KEYBYTES], nonce[crypto_secretbox_NONCEBYTES];
	unsigned char text[64], box[64 + crypto_secretbox_MACBYTES], again[64];
	size_t length = fread(text, 1, sizeof text, stdin);

	if (sodium_init() < 0)
		return 1;
	crypto_secretbox_keygen(key);
	randombytes_buf(nonce, sizeof nonce);
	crypto_secretbox_easy(box, text, length, nonce, key);
	box[0] ^= 1;
	if (crypto_secretbox_open_easy(again, box, length + crypto_secretbox_MACBYTES, nonce, key) == 0)
		return 2;
	box[0] ^= 1;
	if (crypto_secretbox_open_easy(again, box, length + crypto_secretbox_MACBYTES, nonce, key) != 0)
		return 3;
	printf("forged: refused, own: %.*s\n", (int)length, again);
	return 0;
}
