/* Copies of whole words, for the rings of tc_dense.h and tc_columns.h. */
    .syntax unified
    .thumb

    .section .text.tc_copy_words, "ax", %progbits
    .p2align 2
    .global tc_copy_words
    .type   tc_copy_words, %function
    .thumb_func
/* uint32_t *tc_copy_words(uint32_t *to, const uint32_t *from, int32_t count): count / 4 > 0. */
tc_copy_words:
    push    {r4-r10, lr}
    lsrs    r2, r2, #3              /* carry: four words beside the eights */
    bcc     .Leight
    ldmia   r1!, {r3-r6}
    stmia   r0!, {r3-r6}
.Leight:
    lsrs    r2, r2, #1              /* carry: eight words beside the sixteens */
    bcc     .Lany
    ldmia   r1!, {r3-r10}
    stmia   r0!, {r3-r10}
.Lany:
    beq     .Ldone
.Lsixteen:
    ldmia   r1!, {r3-r10}
    stmia   r0!, {r3-r10}
    subs    r2, r2, #1
    ldmia   r1!, {r3-r10}
    stmia   r0!, {r3-r10}
    bne     .Lsixteen
.Ldone:
    pop     {r4-r10, pc}
    .size   tc_copy_words, . - tc_copy_words
