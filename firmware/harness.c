/* main() of a kernel measurement: the simulator runs until tc_ready, then calls tc_kernel itself;
 * run to its end, the program is also complete without a simulator's help. */
#include "thumbclock.h"

__attribute__((noinline, used)) void tc_ready(void)
{
    __asm__ volatile("" ::: "memory");
}

int main(void)
{
    tc_ready();
    tc_kernel();
    return 0;
}
