#include "sim/forked.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace sim {
namespace {

volatile std::sig_atomic_t signals = 0;

void on_signal(int) { signals = signals + 1; }

/// SIGINT and SIGTERM are counted, and arrive only while the parent waits; everything as before at the end.
class SignalsHeld {
public:
    SignalsHeld() {
        signals = 0;
        sigset_t held;
        sigemptyset(&held);
        sigaddset(&held, SIGINT);
        sigaddset(&held, SIGTERM);
        sigprocmask(SIG_BLOCK, &held, &before_);
        struct sigaction count {};
        count.sa_handler = on_signal;
        sigaction(SIGINT, &count, &interrupt_);
        sigaction(SIGTERM, &count, &terminate_);
    }
    ~SignalsHeld() { restore(); }
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

    void restore() const {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGTERM, &terminate_, nullptr);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    const sigset_t& before() const { return before_; }

private:
    sigset_t before_{};
    struct sigaction interrupt_ {};
    struct sigaction terminate_ {};
};

void write_all(int fd, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) {
            ::_exit(1);
        }
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
}

/// The child's whole life. A first letter tells a result from an error.
[[noreturn]] void be_child(const ForkedJob& job, int fd, pid_t parent, const SignalsHeld& held) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) { // it died before it could take us along
        ::_exit(1);
    }
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &held.before(), nullptr);
    std::string text;
    try {
        text = "R" + job();
    } catch (const std::exception& error) {
        text = std::string("E") + error.what();
    } catch (...) {
        text = "Ean unknown exception";
    }
    std::cout.flush();
    std::cerr.flush();
    write_all(fd, text);
    ::_exit(0);
}

struct Child {
    std::size_t job = 0;
    pid_t pid = 0;
    std::string text;
};

class Pool {
public:
    Pool(const std::vector<ForkedJob>& jobs, unsigned parallel,
         const std::function<void(std::size_t, const ForkedAnswer&)>& on_done)
        : jobs_(jobs), parallel_(parallel), on_done_(on_done), answers_(jobs.size()) {}

    std::vector<ForkedAnswer> run() {
        while (next_ < jobs_.size() || !children_.empty()) {
            while (next_ < jobs_.size() && (children_.size() < parallel_ || signals > 0)) {
                if (!begin()) {
                    break;
                }
            }
            if (!children_.empty()) {
                wait();
            }
        }
        return std::move(answers_);
    }

private:
    /// False: no room for another process now; one that ends will make some.
    bool begin() {
        const std::size_t job = next_;
        if (signals > 0) {
            ++next_;
            finish(job, {{}, "interrupted before it began", true});
            return true;
        }
        int ends[2];
        std::cout.flush(); // else the child would print it again
        const pid_t parent = ::getpid();
        const bool piped = ::pipe2(ends, O_CLOEXEC) == 0;
        const pid_t pid = piped ? ::fork() : -1;
        if (pid == 0) {
            ::close(ends[0]);
            for (const auto& [fd, child] : children_) {
                ::close(fd);
            }
            be_child(jobs_[job], ends[1], parent, held_);
        }
        const int why = errno;
        if (piped) {
            ::close(ends[1]);
        }
        if (pid > 0) {
            children_[ends[0]] = {job, pid, {}};
        } else {
            if (piped) {
                ::close(ends[0]);
            }
            if (!children_.empty()) {
                return false;
            }
            finish(job, {{}, fmt::format("no process for it: {}", std::strerror(why)), false});
        }
        ++next_;
        return true;
    }

    void wait() {
        std::vector<pollfd> polled;
        for (const auto& [fd, child] : children_) {
            polled.push_back({fd, POLLIN, 0});
        }
        const int ready = ::ppoll(polled.data(), polled.size(), nullptr, &held_.before());
        if (signals > passed_on_) {
            passed_on_ = signals;
            for (const auto& [fd, child] : children_) {
                ::kill(child.pid, passed_on_ > 1 ? SIGKILL : SIGINT);
            }
        }
        for (const pollfd& each : polled) {
            if (ready > 0 && each.revents != 0) {
                read(each.fd);
            }
        }
    }

    void read(int fd) {
        char buffer[65536];
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n > 0) {
            children_.at(fd).text.append(buffer, static_cast<std::size_t>(n));
        } else if (n == 0 || errno != EINTR) {
            ::close(fd);
            const Child child = std::move(children_.at(fd));
            children_.erase(fd);
            finish(child.job, reap(child));
        }
    }

    ForkedAnswer reap(const Child& child) const {
        int status = 0;
        while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFSIGNALED(status)) {
            const int signal = WTERMSIG(status);
            return {{}, fmt::format("ended by signal {} ({})", signal, ::strsignal(signal)), signals > 0};
        }
        if (WEXITSTATUS(status) != 0) {
            return {{}, fmt::format("ended with exit code {}", WEXITSTATUS(status)), signals > 0};
        }
        if (child.text.empty()) {
            return {{}, "ended without an answer", signals > 0};
        }
        const bool good = child.text[0] == 'R';
        return {good ? child.text.substr(1) : "", good ? "" : child.text.substr(1), false};
    }

    void finish(std::size_t job, ForkedAnswer answer) {
        answers_[job] = std::move(answer);
        if (on_done_) {
            on_done_(job, answers_[job]);
        }
    }

    const std::vector<ForkedJob>& jobs_;
    const unsigned parallel_;
    const std::function<void(std::size_t, const ForkedAnswer&)>& on_done_;
    const SignalsHeld held_;
    std::vector<ForkedAnswer> answers_;
    std::map<int, Child> children_; ///< by the end of the pipe that we read
    std::size_t next_ = 0;
    int passed_on_ = 0;
};

} // namespace

std::vector<ForkedAnswer> run_forked(const std::vector<ForkedJob>& jobs, unsigned parallel,
                                     const std::function<void(std::size_t, const ForkedAnswer&)>& on_done) {
    return Pool(jobs, parallel > 0 ? parallel : cores(), on_done).run();
}

unsigned cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int count = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return static_cast<unsigned>(std::max(count, 1));
}

} // namespace sim
