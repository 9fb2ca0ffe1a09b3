// A cluster whose tasks have contents as their data, for tests of where these lie.
#pragma once

#include "support/role_cluster.h"

namespace p2c2r::test {

inline std::shared_ptr<const Content> content_of(size_t size, char fill) {
    Bytes bytes = Bytes::copy(std::string(size, fill));
    const Digest256 digest = sha256(bytes.span());
    return std::make_shared<const Content>(Content{digest, std::move(bytes)});
}

struct ContentCluster : Cluster {
    using Cluster::Cluster;

    // The next task, for submit_next(). Each is computed, whatever is known of it.
    TaskSpec& next_spec(std::shared_ptr<const Content> content) {
        TaskSpec& spec = specs[next_task];
        spec.task_type = "echo";
        spec.content = std::move(content);
        spec.flags = task_flag::kNoCache;
        return spec;
    }
    uint64_t submit_next() {
        client->submit(next_task, specs[next_task]);
        return next_task++;
    }
};

}  // namespace p2c2r::test
