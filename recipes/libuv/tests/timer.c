/* A timer rings in the loop, work comes back from the pool of threads. */
#include <stdio.h>
#include <uv.h>

static void work(uv_work_t *request) { *(int *)request->data += 1; }
static void worked(uv_work_t *request, int status) { *(int *)request->data += status == 0; }
static void rang(uv_timer_t *timer) { puts("rang"), uv_close((uv_handle_t *)timer, NULL); }

int main(void)
{
	int done = 0;
	uv_timer_t timer;
	uv_work_t request = { .data = &done };
	uv_timer_init(uv_default_loop(), &timer);
	uv_timer_start(&timer, rang, 5, 0);
	uv_queue_work(uv_default_loop(), &request, work, worked);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	return done == 2 ? 0 : 1;
}
