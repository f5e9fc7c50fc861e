#include "sim/sqlite_store.h"

#include <memory>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <sqlite3.h>

namespace sim {
namespace {

constexpr int kApplicationId = 0x65676D73; ///< "egms"
constexpr int kSchemaVersion = 1;
constexpr int kPatienceMs = 20'000; ///< for another writer

constexpr const char* kSchema = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY, scenario TEXT NOT NULL, machine TEXT NOT NULL, file TEXT NOT NULL,
  fidelity TEXT NOT NULL, seed INTEGER NOT NULL, interrupted INTEGER NOT NULL);
CREATE TABLE override (run INTEGER NOT NULL REFERENCES run(id), position INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (run, position)) WITHOUT ROWID;
CREATE TABLE axis (run INTEGER NOT NULL REFERENCES run(id), position INTEGER NOT NULL, name TEXT NOT NULL,
  path TEXT NOT NULL, PRIMARY KEY (run, position)) WITHOUT ROWID;
CREATE TABLE point (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), number INTEGER NOT NULL,
  failed TEXT NOT NULL, interrupted INTEGER NOT NULL, UNIQUE (run, number));
CREATE TABLE coordinate (point INTEGER NOT NULL REFERENCES point(id), axis INTEGER NOT NULL, value TEXT NOT NULL,
  number REAL, PRIMARY KEY (point, axis)) WITHOUT ROWID;
CREATE TABLE figure (point INTEGER NOT NULL REFERENCES point(id), setting TEXT NOT NULL, vm TEXT NOT NULL,
  "group" TEXT NOT NULL, stream TEXT NOT NULL, name TEXT NOT NULL, number REAL, text TEXT NOT NULL,
  unit TEXT NOT NULL);
CREATE INDEX figure_by_name ON figure (name, point);
)";

/// Thrown with SQLite's own words.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Database {
public:
    explicit Database(const std::string& path) {
        sqlite3* handle = nullptr;
        const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
        handle_.reset(handle);
        check(code);
        sqlite3_busy_timeout(handle, kPatienceMs);
    }

    void run(const char* sql) { check(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr)); }
    std::int64_t number(const char* sql);
    std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
    void check(int code) const {
        if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
            throw Failure(handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code));
        }
    }
    sqlite3* handle() const { return handle_.get(); }

private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close(handle); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement, whose parameters are given in their order.
class Statement {
public:
    Statement(const Database& database, const char* sql) : database_(database) {
        sqlite3_stmt* handle = nullptr;
        database.check(sqlite3_prepare_v2(database.handle(), sql, -1, &handle, nullptr));
        handle_.reset(handle);
    }

    template <class... Values>
    void run(const Values&... values) {
        int place = 0;
        (bind(++place, values), ...);
        const int code = sqlite3_step(handle_.get());
        row_ = code == SQLITE_ROW ? sqlite3_column_int64(handle_.get(), 0) : 0;
        database_.check(code);
        database_.check(sqlite3_reset(handle_.get()));
    }
    std::int64_t row() const { return row_; } ///< the first column of the row it answered

private:
    void bind(int place, const std::string& text) {
        database_.check(
            sqlite3_bind_text(handle_.get(), place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
    }
    void bind(int place, std::int64_t number) { database_.check(sqlite3_bind_int64(handle_.get(), place, number)); }
    void bind(int place, const std::optional<double>& number) {
        database_.check(number ? sqlite3_bind_double(handle_.get(), place, *number)
                               : sqlite3_bind_null(handle_.get(), place));
    }

    struct Finalize {
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    const Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    std::int64_t row_ = 0;
};

std::int64_t Database::number(const char* sql) {
    Statement statement(*this, sql);
    statement.run();
    return statement.row();
}

/// Within the transaction: makes the tables of a new database, and refuses one that is not ours.
void prepare(Database& database) {
    if (database.number("SELECT count(*) FROM sqlite_master") == 0) {
        database.run(kSchema);
        database.run(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
        database.run(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str());
    }
    if (database.number("PRAGMA application_id") != kApplicationId) {
        throw Failure("it is a database of another program");
    }
    if (const auto version = database.number("PRAGMA user_version"); version != kSchemaVersion) {
        throw Failure(fmt::format("its tables are of version {}, not {}", version, kSchemaVersion));
    }
}

void add_plan(Database& database, std::int64_t run, const SweepRequest& request) {
    Statement add_override(database, "INSERT INTO override VALUES (?, ?, ?)");
    std::int64_t position = 0;
    for (const std::string& text : request.sets) {
        add_override.run(run, position++, text);
    }
    Statement add_axis(database, "INSERT INTO axis VALUES (?, ?, ?, ?)");
    position = 0;
    for (const SweepAxis& axis : request.plan.axes) {
        add_axis.run(run, position++, axis.name, axis.path);
    }
}

void add_points(Database& database, std::int64_t run, const SweepResult& result) {
    Statement add_point(database, "INSERT INTO point (run, number, failed, interrupted) VALUES (?, ?, ?, ?)");
    Statement add_coordinate(database, "INSERT INTO coordinate VALUES (?, ?, ?, ?)");
    Statement add_figure(database, "INSERT INTO figure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::int64_t number = 0;
    for (const SweepPoint& point : result.points) {
        add_point.run(run, number++, point.failed, std::int64_t{point.interrupted});
        const std::int64_t id = database.last_id();
        for (std::size_t axis = 0; axis < point.place.size(); ++axis) {
            const SweepValue& value = result.request->plan.axes[axis].values[point.place[axis]];
            add_coordinate.run(id, static_cast<std::int64_t>(axis), value.label, value.number);
        }
        for (const RunFigure& figure : point.figures) {
            add_figure.run(id, figure.setting, figure.vm, figure.group, figure.stream, figure.name, figure.number,
                           figure.text, figure.unit);
        }
    }
}

} // namespace

std::string store_sweep(const std::string& path, const SweepResult& result) {
    try {
        Database database(path);
        database.run("BEGIN IMMEDIATE"); // closing it without COMMIT undoes all
        prepare(database);
        Statement add_run(database, "INSERT INTO run (scenario, machine, file, fidelity, seed, interrupted) "
                                    "VALUES (?, ?, ?, ?, ?, ?)");
        const SweepRequest& request = *result.request;
        add_run.run(result.scenario, result.machine, request.file, std::string(to_string(request.fidelity)),
                    static_cast<std::int64_t>(result.seed), std::int64_t{result.interrupted});
        const std::int64_t run = database.last_id();
        add_plan(database, run, request);
        add_points(database, run, result);
        database.run("COMMIT");
        return "";
    } catch (const Failure& failure) {
        return path + ": " + failure.what();
    }
}

} // namespace sim
