/* Copies of whole words for tc_columns.h. */
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
    bcc     .Leights
    ldmia   r1!, {r3-r6}
    stmia   r0!, {r3-r6}
    cbz     r2, .Ldone
.Leights:
    ldmia   r1!, {r3-r10}
    subs    r2, r2, #1
    stmia   r0!, {r3-r10}
    bne     .Leights
.Ldone:
    pop     {r4-r10, pc}
    .size   tc_copy_words, . - tc_copy_words
