#include "roles/payload_work.h"

#include <cstring>

#include "roles/coding_choice.h"

namespace p2c2r::roles {

namespace {

class CodingWork final : public exec::Executor {
  public:
    explicit CodingWork(std::shared_ptr<const PayloadCoder> coder) : coder_(std::move(coder)) {}
    [[nodiscard]] Traits traits() const override { return {}; }
    Status run(exec::Job& job) override {
        const size_t size = job.params.size() + job.data.size();
        job.set_output(
            {}, coder_->code(job.params.span(), job.data.span(), CodingChoice::size_most(size)));
        return Status::kOk;
    }

  private:
    const std::shared_ptr<const PayloadCoder> coder_;
};

class DecodingWork final : public exec::Executor {
  public:
    DecodingWork(std::shared_ptr<const PayloadCoder> coder, const MemoryHook* memory)
        : coder_(std::move(coder)), memory_(memory) {}
    [[nodiscard]] Traits traits() const override { return {}; }
    Status run(exec::Job& job) override {
        wire::PayloadSizes sizes;
        std::memcpy(&sizes, job.params.data(), sizeof sizes);
        Result<DecodedPayload> plain = decode_payload(*coder_, job.data, sizes, memory_);
        if (!plain) return job.fail(plain.error());
        job.set_output(std::move(plain->params), std::move(plain->data));
        return Status::kOk;
    }

  private:
    const std::shared_ptr<const PayloadCoder> coder_;
    const MemoryHook* const memory_;
};

}  // namespace

std::shared_ptr<exec::Executor> make_coding_work(std::shared_ptr<const PayloadCoder> coder) {
    return std::make_shared<CodingWork>(std::move(coder));
}

std::shared_ptr<exec::Executor> make_decoding_work(std::shared_ptr<const PayloadCoder> coder,
                                                   const MemoryHook* memory) {
    return std::make_shared<DecodingWork>(std::move(coder), memory);
}

Bytes decoding_params(const wire::PayloadSizes& plain_sizes) {
    return Bytes::copy({reinterpret_cast<const uint8_t*>(&plain_sizes), sizeof plain_sizes});
}

Result<DecodedPayload> decode_payload(const PayloadCoder& coder, const Bytes& coded,
                                      const wire::PayloadSizes& plain_sizes,
                                      const MemoryHook* memory) {
    const uint64_t size = plain_sizes.params_size + plain_sizes.data_size;
    Result<Bytes> plain = coder.decode(coded.span(), size, plain_sizes.params_size, memory);
    if (!plain) return plain.error();
    return DecodedPayload{plain->slice(0, plain_sizes.params_size),
                          plain->slice(plain_sizes.params_size, plain_sizes.data_size)};
}

const char* check_coded(const std::optional<wire::PayloadSizes>& plain_sizes, size_t params_size) {
    if (!plain_sizes) return "a coded result without plain_sizes";
    if (params_size > 0) return "a coded result with params";
    if (plain_sizes->params_size > limits::kPayloadSizeMax ||
        plain_sizes->data_size > limits::kPayloadSizeMax - plain_sizes->params_size) {
        return "a coded result of more than 64 MiB";
    }
    return nullptr;
}

}  // namespace p2c2r::roles
