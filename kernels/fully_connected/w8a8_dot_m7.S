/*
 * Four output channels times four inputs: 16 products in 18 instructions, which the M7 issues in
 * nine pairs.
 *
 * A SMLAD takes a loaded word two cycles after its load, so loads run a step ahead: weights and
 * columns end in 8 bytes that are read, not used.
 */
    .syntax unified
    .thumb

#define W       r0              /* the next step's second word of weights */
#define A       r1              /* the next step's columns */
#define END     r2
#define SUMS    r3
#define C0      r4
#define C1      r5
#define C2      r6
#define C3      r7
#define U       r8              /* weights of channels 0 and 2 */
#define V       r9              /* weights of channels 1 and 3 */
#define EVEN    r10
#define X       r11
#define Z       r12

#define COLUMNS 0
#define GROUPS  4
#define ENTRY   8
#define START   52

#define UNROLLED 4
#define STEP_BYTES 72

    .macro STEP
    uxtb16  EVEN, U
    smlad   C0, U, X, C0
    ldr     U, [W, #-12]
    smlad   C0, EVEN, Z, C0
    uxtb16  EVEN, V
    smlad   C1, V, X, C1
    ldr     V, [W, #-8]
    smlad   C1, EVEN, Z, C1
    uxtb16  EVEN, U
    smlad   C2, U, X, C2
    ldr     U, [W, #-4]
    smlad   C2, EVEN, Z, C2
    uxtb16  EVEN, V
    smlad   C3, V, X, C3
    ldr     X, [A, #4]
    smlad   C3, EVEN, Z, C3
    ldr     V, [W], #16
    ldr     Z, [A], #8
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
    push    {r1, r5, r6}
    adds    r1, r1, #8
    add     r7, r1, r3, lsl #3
    mov     SUMS, r2
    mov     END, r7
.Lgroup:
    ldr     A, [sp, #COLUMNS]
    ldr     C0, [sp, #START]
    ldr     EVEN, [sp, #ENTRY]
    ldr     U, [W], #20
    ldr     V, [W, #-16]
    ldr     X, [A, #4]
    ldr     Z, [A], #8
    mov     C1, C0
    mov     C2, C0
    mov     C3, C0
    bx      EVEN
    .p2align 3
.Lloop:
    .rept   UNROLLED
    STEP
    .endr
    cmp     A, END
    bne     .Lloop
    ldr     lr, [sp, #GROUPS]
    subs    W, W, #20               /* what was read ahead belongs to the next group */
    asrs    C0, C0, #8
    asrs    C1, C1, #8
    asrs    C2, C2, #8
    asrs    C3, C3, #8
    stmia   SUMS!, {r4-r7}
    subs    lr, lr, #1
    str     lr, [sp, #GROUPS]
    bne     .Lgroup
    add     sp, sp, #12
    pop     {r4-r11, pc}
    .size   tc_fc_dot_w8a8, . - tc_fc_dot_w8a8
