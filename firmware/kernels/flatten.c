// SPDX-License-Identifier: Apache-2.0
/* Another shape for the same bytes: nothing to do in place, else a copy. */
#include <string.h>
#include "kernels.h"

void flatten(const struct kernel_args *args)
{
    if (args->in != args->out)
        memcpy(args->out, args->in, args->in_shape->size_bytes);
}
