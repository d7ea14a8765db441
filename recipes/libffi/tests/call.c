/* Calls a function by a description of its types, and a closure made while the program runs. */
#include <ffi.h>
#include <stdio.h>

static void power(ffi_cif *cif, void *result, void **args, void *unused)
{
	long value = 1, times = *(int *)args[1];

	(void)cif, (void)unused;
	while (times-- > 0)
		value *= *(int *)args[0];
	*(ffi_arg *)result = value;
}

int main(void)
{
	ffi_cif cif;
	ffi_type *types[] = { &ffi_type_sint, &ffi_type_sint };
	int base = 2, exponent = 10;
	void *args[] = { &base, &exponent }, *code;
	ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
	ffi_arg result;

	if (!closure || ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 2, &ffi_type_sint, types) != FFI_OK)
		return 1;
	if (ffi_prep_closure_loc(closure, &cif, power, NULL, code) != FFI_OK)
		return 2;
	ffi_call(&cif, FFI_FN(code), &result, args);
	printf("%d to the power of %d is %d\n", base, exponent, (int)result);
	return 0;
}
