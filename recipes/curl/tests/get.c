/* Serves one answer by itself and fetches it. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

static void serve(int listening)
{
	char request[4096];
	int client = accept(listening, NULL, NULL);

	if (read(client, request, sizeof request) > 0 && write(client, answer, sizeof answer - 1) > 0)
		close(client);
	_exit(0);
}

static size_t body(char *text, size_t size, size_t count, void *into)
{
	return snprintf(into, 64, "%.*s", (int)(size * count), text);
}

int main(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof here;
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	char url[64], text[64] = "";
	long status = 0;
	CURL *curl = curl_easy_init();

	if (bind(listening, (void *)&here, length) || listen(listening, 1) || getsockname(listening, (void *)&here, &length))
		return 1;
	if (fork() == 0)
		serve(listening);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(here.sin_port));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
	if (curl_easy_perform(curl) != CURLE_OK)
		return 2;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	printf("%ld: %s\n", status, text);
	return 0;
}
