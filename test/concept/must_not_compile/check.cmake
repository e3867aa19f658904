# cmake -D COMPILER=... -D INCLUDE="DIR;DIR" -D HEADER=x.hpp -D FILE=x.cpp -P check.cmake
#
# Passes when FILE does not compile, the compiler's words hold each line "// expect: " of FILE, and
# FILE compiles with COMPLETE defined, which adds what is missing. So it fails for no other reason.
# HEADER is included first; its compiled form may stand beside it.

list(TRANSFORM INCLUDE PREPEND -I)
set(command "${COMPILER}" -std=c++20 -fsyntax-only ${INCLUDE} -include "${HEADER}" "${FILE}")

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(status EQUAL 0)
    message(FATAL_ERROR "${FILE} compiles")
endif()
file(STRINGS "${FILE}" expectations REGEX "^// expect: ")
if(NOT expectations)
    message(FATAL_ERROR "${FILE} expects nothing")
endif()
foreach(line IN LISTS expectations)
    string(REPLACE "// expect: " "" words "${line}")
    string(FIND "${said}" "${words}" place)
    if(place EQUAL -1)
        message(FATAL_ERROR "the compiler does not say \"${words}\":\n${said}")
    endif()
endforeach()

execute_process(COMMAND ${command} -DCOMPLETE RESULT_VARIABLE status ERROR_VARIABLE said)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "${FILE} does not compile when it is complete:\n${said}")
endif()
