// An exception from a thread, through the library.
#include <future>
#include <iostream>
#include <stdexcept>

int main()
{
	auto later = std::async(std::launch::async, []() -> int { throw std::runtime_error("42"); });
	try {
		later.get();
	} catch (const std::exception &error) {
		std::cout << "caught " << error.what() << " from a thread\n";
	}
}
