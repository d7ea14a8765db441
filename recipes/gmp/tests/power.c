/* 2^127 - 1. */
#include <gmp.h>

int main(void)
{
	mpz_t n;

	mpz_init(n);
	mpz_ui_pow_ui(n, 2, 127);
	mpz_sub_ui(n, n, 1);
	return mpz_probab_prime_p(n, 25) == 0 || gmp_printf("%Zd\n", n) < 0;
}
