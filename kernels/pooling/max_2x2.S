/* Windows of 2x2 pixels of int8 for maxpool.c: eight channels a step, four loads to a word. */
    .syntax unified
    .thumb

#define OUT    r1
#define TOP    r2
#define BOTTOM r3
#define PIXEL  r4
#define T      r5
#define A0     r6
#define LEFT   r7
#define B0     r8
#define B1     r9
#define B2     r10
#define B3     r11
#define A1     r0
#define A2     r12
#define A3     lr

    .macro MAX to, other
    ssub8   T, \to, \other
    sel     \to, \to, \other
    .endm

    .section .text.tc_max_2x2, "ax", %progbits
    .p2align 2
    .global tc_max_2x2
    .type   tc_max_2x2, %function
    .thumb_func
/* void tc_max_2x2(const tc_pool_run *run, uint8_t *out): pixel_bytes a multiple of 8. */
tc_max_2x2:
    push    {r4-r11, lr}
    ldr     TOP, [r0]
    add     r5, r0, #12
    ldm     r5, {r5-r8}             /* windows, pixel_bytes, row_bytes, step_bytes */
    mov     PIXEL, r6
    add     BOTTOM, TOP, r7
    sub     r6, r8, PIXEL           /* from the end of a window's first column to the next one */
    push    {r5, r6}
.Lwindow:
    lsr     LEFT, PIXEL, #3
.Lwords:
    /* Order found by thumbclock schedule: 26 cycles on the M4, 17 on the M7. */
    ldr     A1, [TOP, PIXEL]
    ldr     A0, [TOP], #4
    ldr     A3, [BOTTOM, PIXEL]
    ldr     B1, [TOP, PIXEL]
    ldr     A2, [BOTTOM], #4
    ldr     B0, [TOP], #4
    ssub8   T, A1, A3
    sel     A1, A1, A3
    ssub8   T, A0, A2
    sel     A0, A0, A2
    ssub8   T, A0, A1
    sel     A0, A0, A1
    ldr     B3, [BOTTOM, PIXEL]
    ldr     B2, [BOTTOM], #4
    str     A0, [OUT], #4
    ssub8   T, B1, B3
    sel     B1, B1, B3
    ssub8   T, B0, B2
    sel     B0, B0, B2
    ssub8   T, B0, B1
    subs    LEFT, LEFT, #1
    sel     B0, B0, B1
    str     B0, [OUT], #4
    bne     .Lwords
    ldrd    r5, r6, [sp]
    add     TOP, TOP, r6
    add     BOTTOM, BOTTOM, r6
    subs    r5, r5, #1
    str     r5, [sp]
    bne     .Lwindow
    add     sp, sp, #8
    pop     {r4-r11, pc}
    .size   tc_max_2x2, . - tc_max_2x2
