#include "path_peers.h"

#include <boost/graph/astar_search.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <cmath>
#include <vector>

#include "kernels/path_moves.h"

namespace p2c2r::bench {

using kernels::PathCell;

namespace {

struct Step {
    double length = 0;
};
using Graph = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Step>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;

class Estimate : public boost::astar_heuristic<Graph, double> {
  public:
    Estimate(uint32_t width, PathCell goal) : width_(width), goal_(goal) {}
    double operator()(Vertex vertex) const {
        const double dx = std::abs(static_cast<int>(vertex % width_) - goal_.x);
        const double dy = std::abs(static_cast<int>(vertex / width_) - goal_.y);
        return std::max(dx, dy) + (std::sqrt(2.0) - 1) * std::min(dx, dy);
    }

  private:
    uint32_t width_;
    PathCell goal_;
};

struct Arrived {};

class EndAtGoal : public boost::default_astar_visitor {
  public:
    explicit EndAtGoal(Vertex goal) : goal_(goal) {}
    void examine_vertex(Vertex vertex, const Graph&) const {
        if (vertex == goal_) throw Arrived{};
    }

  private:
    Vertex goal_;
};

}  // namespace

struct BoostGrid::Graph {
    uint32_t width;
    bench::Graph graph;
    std::vector<Vertex> before;
    std::vector<double> length;
    std::vector<Vertex> path;
};

BoostGrid::BoostGrid(const kernels::PathGrid& grid) : graph_(std::make_unique<Graph>()) {
    std::vector<std::pair<Vertex, Vertex>> edges;
    std::vector<Step> steps;
    const auto width = static_cast<int32_t>(grid.width());
    const auto height = static_cast<int32_t>(grid.height());
    const auto& moves = kernels::PathMoves::of(kernels::PathRule::kOctile);
    for (int32_t y = 0; y < height; ++y) {
        for (int32_t x = 0; x < width; ++x) {
            if (grid.blocked({x, y})) continue;
            const uint32_t legal = moves.legal(kernels::surroundings(grid, {x, y}));
            for (uint32_t d = 0; d < kernels::kDirections; ++d) {
                if (!(legal >> d & 1)) continue;
                const PathCell to = kernels::stepped({x, y}, d);
                edges.emplace_back(static_cast<Vertex>(y * width + x),
                                   static_cast<Vertex>(to.y * width + to.x));
                steps.push_back({d < 4 ? 1.0 : std::sqrt(2.0)});
            }
        }
    }
    const auto vertices = static_cast<Vertex>(width) * static_cast<Vertex>(height);
    graph_->width = grid.width();
    graph_->graph =
        bench::Graph(boost::edges_are_sorted, edges.begin(), edges.end(), steps.begin(), vertices);
    graph_->before.resize(vertices);
    graph_->length.resize(vertices);
}

BoostGrid::~BoostGrid() = default;

double BoostGrid::query(PathCell start, PathCell goal) {
    const auto vertex_of = [&](PathCell cell) {
        return static_cast<Vertex>(cell.y) * graph_->width + static_cast<Vertex>(cell.x);
    };
    const Vertex from = vertex_of(start);
    const Vertex to = vertex_of(goal);
    const auto index = get(boost::vertex_index, graph_->graph);
    try {
        boost::astar_search(
            graph_->graph, from, Estimate(graph_->width, goal),
            boost::predecessor_map(boost::make_iterator_property_map(graph_->before.begin(), index))
                .distance_map(boost::make_iterator_property_map(graph_->length.begin(), index))
                .weight_map(get(&Step::length, graph_->graph))
                .visitor(EndAtGoal(to)));
    } catch (const Arrived&) {
        graph_->path.clear();
        for (Vertex at = to; at != from; at = graph_->before[at]) graph_->path.push_back(at);
        return graph_->length[to];
    }
    return -1;
}

}  // namespace p2c2r::bench
