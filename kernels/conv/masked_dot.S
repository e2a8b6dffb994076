/*
 * Two accumulators times two pixels where one AND takes a SMLAD's operands out of a packed word:
 * - w4a8, mask 0xF000F000: two weights of one channel in the lanes' top nibbles, signed as they
 *   stand, so the accumulator is 4096 times the sum: no bias to correct, 34 instructions for 32
 *   products;
 * - w2a2, mask 0xC003C003: each lane holds two channels, low + (high << 14): 64 products.
 * Rotations by 0, 4, 8 and 12 meet every field once. Loads run one step ahead, so the weights
 * end in 8 bytes that are read, not used, and so do the columns (8 bytes).
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define M    r3
#define C00  r4
#define C01  r5
#define C10  r6
#define C11  r7
#define U    r8
#define V    r9
#define L0   r10
#define L1   r11
#define X    r12
#define Y    lr
#define Z    r2

    .macro LANE y, z, rotation, offset, next
    smlad   C00, L0, X, C00
    and     L1, M, V, ror #\rotation
    smlad   C10, L1, X, C10
    ldr     X, [A, #\offset]
    ldr     \z, [A, #\offset + 4]
    smlad   C01, L0, \y, C01
    and     L0, M, U, ror #\next
    smlad   C11, L1, \y, C11
    .endm

    .macro STEP compare
    smlad   C00, L0, X, C00
    and     L1, M, V
    smlad   C10, L1, X, C10
    ldr     X, [A, #8]
    ldr     Z, [A, #12]
    smlad   C01, L0, Y, C01
    and     L0, M, U, ror #4
    smlad   C11, L1, Y, C11
    LANE    Z, Y, 4, 16, 8
    LANE    Y, Z, 8, 24, 12
    smlad   C00, L0, X, C00
    and     L1, M, V, ror #12
    smlad   C10, L1, X, C10
    ldr     V, [W, #4]
    ldr     U, [W], #8
    ldr     Y, [A, #36]
    ldr     X, [A, #32]!
    smlad   C01, L0, Z, C01
    .if \compare
    smlad   C11, L1, Z, C11
    ldr     Z, [sp]
    and     L0, M, U
    cmp     A, Z
    .else
    and     L0, M, U
    smlad   C11, L1, Z, C11
    .endif
    .endm

    .section .text.tc_dot_masked, "ax", %progbits
    .p2align 3
    .global tc_dot_masked
    .type   tc_dot_masked, %function
    .thumb_func
tc_dot_masked:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]           /* groups */
    push    {r1, r2, r3, r4}        /* columns, sums, steps, groups */
    ldr     M, [sp, #56]
.Lgroup:
    ldr     A, [sp]
    ldr     r2, [sp, #8]
    movs    C00, #0
    movs    C01, #0
    movs    C10, #0
    movs    C11, #0
    ldr     U, [W], #8
    ldr     V, [W, #-4]
    ldr     X, [A]
    ldr     Y, [A, #4]
    add     r11, A, r2, lsl #5      /* where the columns end */
    push    {r11}
    and     L0, M, U
    lsls    r2, r2, #31
    bne     .Lsecond
    .p2align 3
.Lloop:
    STEP    0
.Lsecond:
    STEP    1
    bne     .Lloop
    subs    W, W, #8                /* what was read ahead belongs to the next group */
    add     sp, sp, #4
    ldr     r2, [sp, #4]
    stmia   r2!, {r4-r7}
    str     r2, [sp, #4]
    ldr     r2, [sp, #12]
    subs    r2, r2, #1
    str     r2, [sp, #12]
    bne     .Lgroup
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   tc_dot_masked, . - tc_dot_masked
