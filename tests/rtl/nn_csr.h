// SPDX-License-Identifier: Apache-2.0
/* Control and status registers that hold the neural unit's state, for tests (see rtl/README.md). */
#ifndef MPQ_TEST_NN_CSR_H
#define MPQ_TEST_NN_CSR_H

#define NN_CSR_ACC0  0x7c8
#define NN_CSR_STATE 0x7cc /* mode in [2:0], it in [4:3] */

#endif
