/*
 * Four output channels times eight inputs: 32 products in 36 instructions and 38 cycles, as loads
 * stand in two rows, where the M4 pipelines them.
 */
    .syntax unified
    .thumb

#define W       r0
#define A       r1
#define MASK    r2
#define PART    r3              /* of a word of weights */
#define C0      r4
#define C1      r5
#define C2      r6
#define C3      r7
#define W0      r8
#define W1      r9
#define W2      r10
#define W3      r11
#define P       r12             /* columns, by turns */
#define Q       lr

#define COLUMNS 0
#define SUMS    4
#define GROUPS  8
#define ENTRY   12
#define END     16
#define START   60

#define UNROLLED 4
#define STEP_BYTES 144
#define NIBBLES 0x0F000F00

    .macro STEP
    ldr     W1, [W, #4]
    ldr     W2, [W, #8]
    ldr     W3, [W, #12]
    ldr     P, [A, #4]
    ldr     Q, [A], #16
    ldr     W0, [W], #16
    smlad   C1, W1, P, C1
    and     PART, W1, #NIBBLES
    smlad   C1, PART, Q, C1
    smlad   C2, W2, P, C2
    and     PART, W2, #NIBBLES
    smlad   C2, PART, Q, C2
    smlad   C3, W3, P, C3
    and     PART, W3, #NIBBLES
    smlad   C3, PART, Q, C3
    smlad   C0, W0, P, C0
    and     PART, W0, #NIBBLES
    smlad   C0, PART, Q, C0
    ldr     Q, [A, #-4]
    ldr     P, [A, #-8]
    uxtb16  PART, W0
    smlad   C0, PART, Q, C0
    and     PART, MASK, W0, ror #24
    smlad   C0, PART, P, C0
    uxtb16  PART, W1
    smlad   C1, PART, Q, C1
    and     PART, MASK, W1, ror #24
    smlad   C1, PART, P, C1
    uxtb16  PART, W2
    smlad   C2, PART, Q, C2
    and     PART, MASK, W2, ror #24
    smlad   C2, PART, P, C2
    uxtb16  PART, W3
    smlad   C3, PART, Q, C3
    and     PART, MASK, W3, ror #24
    smlad   C3, PART, P, C3
    .endm

    .section .text.tc_fc_dot_w4a8, "ax", %progbits
    .p2align 3
    .global tc_fc_dot_w4a8
    .type   tc_fc_dot_w4a8, %function
    .thumb_func
tc_fc_dot_w4a8:
    push    {r4-r11, lr}
    ldr     r5, [sp, #36]           /* groups */
    rsb     r6, r3, #0
    and     r6, r6, #UNROLLED - 1   /* steps to leave out of the first round */
    movs    r7, #STEP_BYTES
    adr     r8, .Lloop + 1          /* a Thumb address */
    mla     r6, r6, r7, r8
    add     r7, r1, r3, lsl #4
    push    {r1, r2, r5, r6, r7}
    mov     MASK, #NIBBLES
.Lgroup:
    ldr     A, [sp, #COLUMNS]
    ldr     C0, [sp, #START]
    ldr     PART, [sp, #ENTRY]
    mov     C1, C0
    mov     C2, C0
    mov     C3, C0
    bx      PART
    .p2align 3
.Lloop:
    .rept   UNROLLED
    STEP
    .endr
    ldr     PART, [sp, #END]
    cmp     A, PART
    bne     .Lloop
    ldr     W2, [sp, #SUMS]
    ldr     W3, [sp, #GROUPS]
    asrs    C0, C0, #12
    asrs    C1, C1, #12
    asrs    C2, C2, #12
    asrs    C3, C3, #12
    stmia   W2!, {r4-r7}
    subs    W3, W3, #1
    strd    W2, W3, [sp, #SUMS]
    bne     .Lgroup
    add     sp, sp, #20
    pop     {r4-r11, pc}
    .size   tc_fc_dot_w4a8, . - tc_fc_dot_w4a8
