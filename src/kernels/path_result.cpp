#include "kernels/path_result.h"

#include "kernels/float_scope.h"
#include "model/value_writer.h"

namespace p2c2r::kernels {

namespace {

void write_path(ValueWriter& writer, const PathAnswer& answer) {
    writer.array(static_cast<uint32_t>(answer.path.size()));
    for (const PathCell& cell : answer.path) writer.array(2).integer(cell.x).integer(cell.y);
}

// Keys in the order of their bytes: this is the canonical form already.
Bytes describe_one(const PathRequest& request, const PathAnswer& answer,
                   const std::string& device) {
    const bool found = answer.end == PathEnd::kFound;
    ValueWriter writer(256 + answer.path.size() * 7);
    writer.map(found ? 5 : 6);
    writer.key("algorithm_used").text(path_algorithm_name(request.algorithm));
    writer.key("device").text(device);
    writer.key("distance").number(answer.distance());
    writer.key("nodes_explored").unsigned_integer(answer.nodes_explored);
    if (request.output == PathOutput::kPacked) {
        writer.key("path_cells").unsigned_integer(answer.path.size());
    } else {
        write_path(writer.key("path"), answer);
    }
    if (!found) writer.key("reason").text(path_end_text(answer.end));
    return writer.take();
}

}  // namespace

Bytes describe_paths(const PathRequest& request, std::span<const PathAnswer> answers,
                     const std::string& device) {
    const FloatScope floats;  // for distance()
    if (!request.many) return describe_one(request, answers.front(), device);
    const auto count = static_cast<uint32_t>(answers.size());
    ValueWriter writer;
    writer.map(6);
    writer.key("algorithm_used").text(path_algorithm_name(request.algorithm));
    writer.key("device").text(device);
    writer.key("distances").array(count);
    for (const PathAnswer& answer : answers) writer.number(answer.distance());
    writer.key("nodes_explored").array(count);
    for (const PathAnswer& answer : answers) writer.unsigned_integer(answer.nodes_explored);
    if (request.output == PathOutput::kPacked) {
        writer.key("path_cells").array(count);
        for (const PathAnswer& answer : answers) writer.unsigned_integer(answer.path.size());
    } else {
        writer.key("paths").array(count);
        for (const PathAnswer& answer : answers) write_path(writer, answer);
    }
    writer.key("reasons").array(count);
    for (const PathAnswer& answer : answers) writer.text(path_end_text(answer.end));
    return writer.take();
}

Bytes pack_paths(std::span<const PathAnswer> answers, const MemoryHook* memory) {
    size_t cells = 0;
    for (const PathAnswer& answer : answers) cells += answer.path.size();
    if (cells == 0) return {};
    Buffer buffer = Buffer::allocate(cells * 4, memory);
    uint8_t* out = buffer.data();
    for (const PathAnswer& answer : answers) {
        for (const PathCell& cell : answer.path) {
            *out++ = static_cast<uint8_t>(cell.x);
            *out++ = static_cast<uint8_t>(cell.x >> 8);
            *out++ = static_cast<uint8_t>(cell.y);
            *out++ = static_cast<uint8_t>(cell.y >> 8);
        }
    }
    return std::move(buffer).freeze(cells * 4);
}

Bytes describe_field(const PathRequest& request, PathEnd end, uint64_t cells_reached,
                     const std::string& device) {
    const bool found = end == PathEnd::kFound;
    ValueWriter writer;
    writer.map(found ? 5 : 6);
    writer.key("algorithm_used").text(path_algorithm_name(request.algorithm));
    writer.key("device").text(device);
    writer.key("height").integer(request.grid.height());
    writer.key("nodes_explored").unsigned_integer(cells_reached);
    if (!found) writer.key("reason").text(path_end_text(end));
    writer.key("width").integer(request.grid.width());
    return writer.take();
}

}  // namespace p2c2r::kernels
