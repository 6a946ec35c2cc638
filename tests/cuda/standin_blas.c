// SPDX-License-Identifier: Apache-2.0
/* Stand-in for cuBLAS: C = alpha op(A) op(B) + beta C, columns first, as its documentation says. */
#include <cublas_v2.h>

#include <assert.h>
#include <stdlib.h>

struct cublasContext {
    cudaStream_t stream;
};

const char *cublasGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "stand-in error";
}

cublasStatus_t cublasCreate(cublasHandle_t *out)
{
    *out = calloc(1, sizeof **out);
    return *out ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    return handle && mode == CUBLAS_PEDANTIC_MATH ? CUBLAS_STATUS_SUCCESS
                                                  : CUBLAS_STATUS_NOT_SUPPORTED;
}

static double at(const float *matrix, int ld, cublasOperation_t op, int row, int column)
{
    const int r = op == CUBLAS_OP_N ? row : column, c = op == CUBLAS_OP_N ? column : row;
    assert(r < ld);
    return (double)matrix[(size_t)c * (size_t)ld + (size_t)r];
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                           int m, int n, int k, const float *alpha, const float *a, int lda,
                           const float *b, int ldb, const float *beta, float *c, int ldc)
{
    assert(handle->stream && ldc >= m);
    for (int column = 0; column < n; column++)
        for (int row = 0; row < m; row++) {
            float *out = &c[(size_t)column * (size_t)ldc + (size_t)row];
            double sum = 0;
            for (int i = 0; i < k; i++)
                sum += at(a, lda, op_a, row, i) * at(b, ldb, op_b, i, column);
            /* beta 0: C is not read */
            *out = *alpha * (float)sum + (*beta < 0 || *beta > 0 ? *beta * *out : 0);
        }
    return CUBLAS_STATUS_SUCCESS;
}
