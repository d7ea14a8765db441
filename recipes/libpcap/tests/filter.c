/* Compiles a filter and asks it of a packet that is not there on any wire. */
#include <pcap/pcap.h>
#include <stdio.h>

static int matches(pcap_t *pcap, const char *filter)
{
	/* Ethernet, IPv4, UDP from port 53. */
	static const u_char packet[42] = { [12] = 8, 0, 0x45, [23] = 17, [35] = 53 };
	struct pcap_pkthdr header = { .caplen = sizeof packet, .len = sizeof packet };
	struct bpf_program program;

	return pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 && pcap_offline_filter(&program, &header, packet) != 0;
}

int main(void)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);

	printf("udp: %d, tcp: %d\n", matches(pcap, "udp port 53"), matches(pcap, "tcp"));
	return 0;
}
