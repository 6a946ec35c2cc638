// SPDX-License-Identifier: Apache-2.0
/* Prints the GPU that --device cuda would use; without one, why, with exit code 1. */
#include <stdio.h>

#include "train/device.h"

int main(void)
{
    const struct device_options options = {"cuda", false, 0};
    char text[DEVICE_TEXT_BYTES];
    struct device *device = NULL;
    struct error err;
    if (device_open(&options, &device, &err) != STATUS_OK) {
        puts(err.text);
        return 1;
    }
    device_text(device, text);
    puts(text);
    device_close(device);
    return 0;
}
