// SPDX-License-Identifier: Apache-2.0
/* From an imported network to a float model: writes its MODEL.json, takes over its weights. */
#ifndef MPQ_ONNX_MODEL_H
#define MPQ_ONNX_MODEL_H

#include <cjson/cJSON.h>
#include "net/float_model.h"
#include "onnx/onnx_import.h"

struct onnx_model_options {
    const char *label; /* MODEL.json, in errors */
    const char *name;  /* of the network; cut to NET_NAME_BYTES */
    const cJSON
        *like; /* a MODEL.json: its "data", "train", "calibration" and "qat" are taken; NULL:
                           a stub of "data", which data_load() refuses */
    bool input_signed;
    double input_scale; /* real value of one integer step, as the graph sees it; 0: not said */
};

/* (*out)->net->json_text is the text of MODEL.json. Weights are rounded to float once, here. */
MUST_CHECK enum status onnx_model_create(const struct onnx_network *network,
                                         const struct onnx_model_options *options,
                                         struct float_model **out, struct error *err);

#endif
