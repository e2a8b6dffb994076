/*
 * Two output channels times two pixels: 16 products in 18 instructions, which the M7 can issue
 * in nine pairs. Loads run one step ahead, so the weights end in 8 bytes that are read, not used,
 * and so do the columns (8 bytes). Loads stand beside each other where the M7 does not mind,
 * because the M4 pipelines them only there.
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define N    r2
#define C00  r4
#define C01  r5
#define C10  r6
#define C11  r7

/*
 * u, v: the channels' words of four weights; l: even weights of u; m: free; x, y: the pixels' first
 * activations; z: free. Leaves the next words in l and m, the even weights of l in u, and the next
 * activations in z and y.
 */
    .macro STEP u, v, l, m, x, y, z
    sxtb16  \m, \v
    smlad   C00, \l, \x, C00
    smlad   C10, \m, \x, C10
    ldr     \z, [A, #8]
    ldr     \x, [A, #12]
    smlad   C01, \l, \y, C01
    sxtb16  \u, \u, ror #8
    smlad   C11, \m, \y, C11
    sxtb16  \v, \v, ror #8
    smlad   C00, \u, \z, C00
    smlad   C10, \v, \z, C10
    ldr     \m, [W, #4]
    ldr     \l, [W], #8
    ldr     \y, [A, #20]
    ldr     \z, [A, #16]!
    smlad   C01, \u, \x, C01
    sxtb16  \u, \l
    smlad   C11, \v, \x, C11
    .endm

    .section .text.tc_dot_w8a8, "ax", %progbits
    .p2align 3
    .global tc_dot_w8a8
    .type   tc_dot_w8a8, %function
    .thumb_func
tc_dot_w8a8:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]           /* groups */
    push    {r1, r2, r3, r4}        /* columns, sums, steps, groups */
.Lgroup:
    ldr     A, [sp]
    ldr     N, [sp, #8]
    movs    C00, #0
    movs    C01, #0
    movs    C10, #0
    movs    C11, #0
    lsrs    N, N, #1
    bcs     .Lodd
    ldr     r8, [W], #8
    ldr     r9, [W, #-4]
    ldr     r12, [A]
    ldr     lr, [A, #4]
    sxtb16  r10, r8
    b       .Lloop
.Lodd:
    adds    N, N, #1
    ldr     r10, [W], #8
    ldr     r11, [W, #-4]
    ldr     r3, [A]
    ldr     lr, [A, #4]
    sxtb16  r8, r10
    b       .Lsecond
    .p2align 3
.Lloop:
    STEP    r8, r9, r10, r11, r12, lr, r3
.Lsecond:
    STEP    r10, r11, r8, r9, r3, lr, r12
    subs    N, N, #1
    bne     .Lloop
    subs    W, W, #8                /* what was read ahead belongs to the next group */
    ldr     r2, [sp, #4]
    stmia   r2!, {r4-r7}
    str     r2, [sp, #4]
    ldr     r3, [sp, #12]
    subs    r3, r3, #1
    str     r3, [sp, #12]
    bne     .Lgroup
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   tc_dot_w8a8, . - tc_dot_w8a8
