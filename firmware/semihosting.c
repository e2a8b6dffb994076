/* Arm semihosting, as far as programs for the simulator need it: text out, and the end.
 * Operations and their parameters: Arm, "Semihosting for AArch32 and AArch64", chapter 2. */
#include <stdint.h>

#include "thumbclock.h"

enum operation {
    SYS_WRITEC = 0x03,
    SYS_WRITE0 = 0x04,
    SYS_EXIT_EXTENDED = 0x20,
};

#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

static void semihost(enum operation operation, const void *parameter)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void tc_putc(char character)
{
    semihost(SYS_WRITEC, &character);
}

void tc_puts(const char *text)
{
    semihost(SYS_WRITE0, text);
}

void tc_exit(int code)
{
    const uint32_t parameters[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)code};
    for (;;)
        semihost(SYS_EXIT_EXTENDED, parameters);
}
