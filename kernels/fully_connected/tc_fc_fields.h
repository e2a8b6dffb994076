/*
 * Fully connected layers with weights of 8 or 4 bits, inputs of any width and outputs of any.
 * Fields of less than 8 bits are unpacked to int8 first, in the order in which shifts and masks
 * take them out of a word; packing.py orders weights to match. Outputs are finished like those of
 * a convolution's pixels.
 */
#ifndef TC_FC_FIELDS_H
#define TC_FC_FIELDS_H

#include "tc_fully_connected.h"
#include "tc_mixed.h"

/* bits of an input; is_signed of inputs of 4 and 2 bits; what outputs are packed by. */
typedef struct {
    const tc_fc_kernel *kernel;
    tc_finish *finish;
    int32_t bits, is_signed;
    int32_t vector_bytes, output_bytes; /* of a vector, packed */
} tc_fc_parts;

/* shape->in_c counts the fields of whole words. */
void tc_fc_fields(const tc_fc_shape *shape, const tc_fc_parts *parts, const void *input,
                  const uint32_t *weights, const void *requant, void *output, void *scratch);

#endif
