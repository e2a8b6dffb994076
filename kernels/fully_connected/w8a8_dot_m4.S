/*
 * Four output channels times four inputs: 16 products in 18 instructions and 19 cycles, as the
 * loads of a step stand in one row, where the M4 pipelines them.
 */
    .syntax unified
    .thumb

#define W       r0
#define A       r1
#define END     r2
#define EVEN    r3
#define C0      r4
#define C1      r5
#define C2      r6
#define C3      r7
#define W0      r8
#define W1      r9
#define W2      r10
#define W3      r11
#define X       r12
#define Z       lr

#define COLUMNS 0
#define SUMS    4
#define GROUPS  8
#define ENTRY   12
#define START   56

#define UNROLLED 8
#define STEP_BYTES 72

    .macro STEP
    ldr     W1, [W, #4]
    ldr     W2, [W, #8]
    ldr     W3, [W, #12]
    ldr     X, [A, #4]
    ldr     Z, [A], #8
    ldr     W0, [W], #16
    uxtb16  EVEN, W1
    smlad   C1, W1, X, C1
    smlad   C1, EVEN, Z, C1
    uxtb16  EVEN, W2
    smlad   C2, W2, X, C2
    smlad   C2, EVEN, Z, C2
    uxtb16  EVEN, W3
    smlad   C3, W3, X, C3
    smlad   C3, EVEN, Z, C3
    uxtb16  EVEN, W0
    smlad   C0, W0, X, C0
    smlad   C0, EVEN, Z, C0
    .endm

    .section .text.tc_fc_dot_w8a8, "ax", %progbits
    .p2align 3
    .global tc_fc_dot_w8a8
    .type   tc_fc_dot_w8a8, %function
    .thumb_func
tc_fc_dot_w8a8:
    push    {r4-r11, lr}
    ldr     r5, [sp, #36]           /* groups */
    rsb     r6, r3, #0
    and     r6, r6, #UNROLLED - 1   /* steps to leave out of the first round */
    movs    r7, #STEP_BYTES
    adr     r8, .Lloop + 1          /* a Thumb address */
    mla     r6, r6, r7, r8
    push    {r1, r2, r5, r6}
    add     END, r1, r3, lsl #3
.Lgroup:
    ldr     A, [sp, #COLUMNS]
    ldr     C0, [sp, #START]
    ldr     r3, [sp, #ENTRY]
    mov     C1, C0
    mov     C2, C0
    mov     C3, C0
    bx      r3
    .p2align 3
.Lloop:
    .rept   UNROLLED
    STEP
    .endr
    cmp     A, END
    bne     .Lloop
    ldr     r3, [sp, #SUMS]
    ldr     r8, [sp, #GROUPS]
    asrs    C0, C0, #8
    asrs    C1, C1, #8
    asrs    C2, C2, #8
    asrs    C3, C3, #8
    stmia   r3!, {r4-r7}
    subs    r8, r8, #1
    strd    r3, r8, [sp, #SUMS]
    bne     .Lgroup
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   tc_fc_dot_w8a8, . - tc_fc_dot_w8a8
