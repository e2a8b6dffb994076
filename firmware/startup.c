/* Vector table and start-up: what happens between reset and main().
 *
 * Everything here lies in the memory the core boots from (.vectors, .tc_boot), because the other
 * sections are not at their run-time address until Reset_Handler has copied them there. So it may
 * call nothing outside this file before the copy is done, memcpy included: the empty asm statement
 * in each loop keeps the compiler from making such a call of the loop.
 */
#include <stdint.h>

#include "thumbclock.h"

#define BOOT __attribute__((section(".tc_boot"), used))
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

#define STACK_PAINT 0xC5C5C5C5u
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_CP10_CP11_FULL_ACCESS (0xFu << 20)

struct copy {
    const uint32_t *load;
    uint32_t *run;
    uint32_t size_bytes;
};

typedef void (*handler)(void);

/* From the linker script. */
extern uint32_t __stack_top[], __stack_limit[];
extern uint32_t __bss_start[], __bss_end[];
extern const struct copy __copy_table_start[], __copy_table_end[];
extern const handler __init_array_start[], __init_array_end[];

void Reset_Handler(void);
void Default_Handler(void);

/* A program takes an exception over by defining a function of that name. */
#define WEAK_HANDLER(name) void name(void) __attribute__((weak, alias("Default_Handler")))
WEAK_HANDLER(NMI_Handler);
WEAK_HANDLER(HardFault_Handler);
WEAK_HANDLER(MemManage_Handler);
WEAK_HANDLER(BusFault_Handler);
WEAK_HANDLER(UsageFault_Handler);
WEAK_HANDLER(SVC_Handler);
WEAK_HANDLER(DebugMon_Handler);
WEAK_HANDLER(PendSV_Handler);
WEAK_HANDLER(SysTick_Handler);

struct vector_table {
    uint32_t *initial_sp;
    handler handlers[15];
};

__attribute__((section(".vectors"), used)) const struct vector_table tc_vectors = {
    __stack_top,
    {
        Reset_Handler,
        NMI_Handler,
        HardFault_Handler,
        MemManage_Handler,
        BusFault_Handler,
        UsageFault_Handler,
        0,
        0,
        0,
        0,
        SVC_Handler,
        DebugMon_Handler,
        0,
        PendSV_Handler,
        SysTick_Handler,
    },
};

/* An exception nobody handles: ends the run, with the reason a debugger would show. */
BOOT void Default_Handler(void)
{
    register uint32_t operation __asm__("r0") = 0x18;  /* SYS_EXIT */
    register uint32_t reason __asm__("r1") = 0x20023;  /* ADP_Stopped_RunTimeErrorUnknown */
    for (;;)
        __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason) : "memory");
}

/* main and tc_exit may lie further away than a branch reaches; the linker adds what is needed. */
BOOT __attribute__((noreturn)) void Reset_Handler(void)
{
#ifdef __ARM_FP
    CPACR |= CPACR_CP10_CP11_FULL_ACCESS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif

    for (const struct copy *entry = __copy_table_start; entry != __copy_table_end; entry++) {
        for (uint32_t word = 0; word < entry->size_bytes / 4; word++) {
            entry->run[word] = entry->load[word];
            KEEP_LOOP();
        }
    }
    for (uint32_t *word = __bss_start; word != __bss_end; word++) {
        *word = 0;
        KEEP_LOOP();
    }

    /* Whoever looks for the deepest overwritten word learns how much stack a program used. */
    uint32_t *stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    for (uint32_t *word = __stack_limit; word < stack_pointer; word++) {
        *word = STACK_PAINT;
        KEEP_LOOP();
    }

    for (const handler *constructor = __init_array_start; constructor != __init_array_end;
         constructor++)
        (*constructor)();
    tc_exit(main());
}
