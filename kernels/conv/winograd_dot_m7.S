/*
 * Winograd's products for the Cortex-M7: a load beside a multiplication, one of these a cycle.
 */
    .syntax unified
    .thumb

#define W   r0
#define A   r1
#define P   r2
#define Q   r3
#define X   r12
#define Y   lr

#define END      0  /* of the tiles of the place */
#define BYTES    4  /* of these tiles */
#define LAST_END 8
#define SUMS     16

    .macro STEP offset, ahead
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    ldr     X, [A, #\offset + 8]
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     Y, [A, #\offset + 12]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    ldr     X, [A, #\ahead]
    smlad   r7, P, Y, r7
    ldr     P, [W], #8
    smlad   r11, Q, Y, r11
    ldr     Q, [W, #-4]
    ldr     Y, [A, #\ahead + 4]
    .endm

    .macro LAST /* with A behind the four pairs already */
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    ldr     X, [A, #-248]
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     Y, [A, #-244]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    ldr     X, [sp, #END]
    smlad   r7, P, Y, r7
    ldr     P, [W], #8
    cmp     A, X
    smlad   r11, Q, Y, r11
    ldr     Q, [W, #-4]
    ldr     X, [A]
    ldr     Y, [A, #4]
    .endm

    .section .text.tc_winograd_dot, "ax", %progbits
    .p2align 3
    .global tc_winograd_dot
    .type   tc_winograd_dot, %function
    .thumb_func
tc_winograd_dot:
    push    {r2, r4-r11, lr}        /* SUMS */
    lsl     r3, r3, #8              /* bytes of a place's tiles, 256 to a pair */
    add     r2, r1, r3
    add     r4, r2, #256            /* END of the 16 places, 16 bytes apart */
    push    {r2, r3, r4, lr}
    ldr     Q, [W, #4]
    ldr     P, [W], #8
.Lplace:
    ldr     r4, [sp, #BYTES]
    ldr     X, [A]
    ldr     Y, [A, #4]
    movs    r5, #0
    movs    r6, #0
    movs    r7, #0
    mov     r8, r5
    mov     r9, r5
    mov     r10, r5
    mov     r11, r5
    lsls    r4, r4, #23             /* carry: two pairs beside the fours */
    mov     r4, r5
    bcc     .Lloop
    sub     A, A, #512
    b       .Lsecond
    .p2align 3
.Lloop:
    STEP    0, 256
    STEP    256, 512
.Lsecond:
    STEP    512, 768
    add     A, A, #1024
    LAST
    bne     .Lloop
    ldr     A, [sp, #SUMS]
    stmia   A!, {r4-r11}
    str     A, [sp, #SUMS]
    ldrd    X, Y, [sp, #END]        /* END and BYTES */
    ldr     r4, [sp, #LAST_END]
    add     X, X, #16
    str     X, [sp, #END]
    sub     A, X, Y
    cmp     X, r4
    bne     .Lplace
    subs    W, W, #8                /* what was read ahead belongs to the next channels */
    add     sp, sp, #20
    pop     {r4-r11, pc}
    .size   tc_winograd_dot, . - tc_winograd_dot
