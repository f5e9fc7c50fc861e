# The guest's program for another architecture than CMake's: make -f guest.mk OUT=... PROGRAM=... CXX=aarch64-linux-gnu-g++
# Sources and flags as in CMakeLists.txt of tests/contract and of this folder.
ROOT := $(abspath ../../..)
SOURCES := $(wildcard ../*.cpp ../cases/*.cpp *.cpp) $(ROOT)/egm/linux/linux_syscalls.cpp
OBJECTS := $(addprefix $(OUT)/,$(notdir $(SOURCES:.cpp=.o)))
VPATH := .. ../cases . $(ROOT)/egm/linux

$(PROGRAM): $(OBJECTS)
	$(CXX) -static -o $@ $^

$(OUT)/%.o: %.cpp $(wildcard ../*.h *.h) | $(OUT)
	$(CXX) -std=c++20 -O1 -I$(ROOT) -c -o $@ $<

$(OUT):
	mkdir -p $@
