/* Makes a key, signs, and checks the signature of the text and of another. */
#include <nettle/knuth-lfib.h>
#include <nettle/rsa.h>
#include <nettle/sha2.h>
#include <stdio.h>

static int good(const struct rsa_public_key *key, const char *text, const mpz_t signature)
{
	struct sha256_ctx digest;

	sha256_init(&digest);
	sha256_update(&digest, 5, (const uint8_t *)text);
	return rsa_sha256_verify(key, &digest, signature);
}

int main(void)
{
	struct rsa_public_key public;
	struct rsa_private_key private;
	struct knuth_lfib_ctx random;
	struct sha256_ctx digest;
	mpz_t signature;

	knuth_lfib_init(&random, 17);
	rsa_public_key_init(&public);
	rsa_private_key_init(&private);
	mpz_init(signature);
	mpz_set_ui(public.e, 65537);
	if (!rsa_generate_keypair(&public, &private, &random, (nettle_random_func *)knuth_lfib_random, NULL, NULL, 1024, 0))
		return 1;
	sha256_init(&digest);
	sha256_update(&digest, 5, (const uint8_t *)"hello");
	if (!rsa_sha256_sign(&private, &digest, signature))
		return 2;
	printf("signed: %s, changed: %s\n", good(&public, "hello", signature) ? "good" : "bad", good(&public, "hullo", signature) ? "good" : "bad");
	return 0;
}
