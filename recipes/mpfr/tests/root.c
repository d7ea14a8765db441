#include <mpfr.h>

int main(void) {
	mpfr_t two;
	mpfr_init2(two, 256);
	mpfr_set_ui(two, 2, MPFR_RNDN);
	mpfr_sqrt(two, two, MPFR_RNDN);
	mpfr_printf("%.40Rf\n", two);
	return 0;
}
