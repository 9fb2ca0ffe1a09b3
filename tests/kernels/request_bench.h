// Requests as a peer gets them: through the executors that add_builtin_executors() registers, once
// natively and once on each Vulkan device, whose answers must be equal.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/log.h"
#include "kernels/kernels.h"

namespace p2c2r::test {

struct RequestAnswer {
    Status status = Status::kExecutor;
    std::string field;  // of an error
    std::string error;
    nlohmann::json info;  // without the device
    Bytes data;
};

// Params that must end in `status`. kOk: a defined result, the same natively and on Vulkan.
struct BadRow {
    const char* what;
    std::string params;  // JSON
    Bytes data;
    Status status;
    std::string field;
    const char* part;  // of the error's text: what, or how much
};

class RequestBench {
  public:
    explicit RequestBench(std::string task_type);
    ~RequestBench();

    // Natively; checks that each Vulkan device gives the same. Whatever comes, an error tells its
    // field and no output is set, and a success has no error.
    RequestAnswer run(const Bytes& params, const Bytes& data);
    RequestAnswer run(const std::string& json, const Bytes& data);
    void check(std::span<const BadRow> rows);

    [[nodiscard]] const std::string& task_type() const { return task_type_; }
    [[nodiscard]] uint64_t computed() const { return computed_; }  // that ended in kOk
    [[nodiscard]] uint64_t refused() const { return refused_; }

  private:
    class Warnings;
    struct Form {
        exec::Registry registry;
        std::string name;
    };
    void add(const kernels::KernelOptions& options);
    RequestAnswer run_on(const Form& form, const Bytes& params, const Bytes& data);

    std::string task_type_;
    std::unique_ptr<Warnings> warnings_;
    std::vector<std::unique_ptr<Form>> forms_;  // native first
    uint64_t computed_ = 0;
    uint64_t refused_ = 0;
};

}  // namespace p2c2r::test
