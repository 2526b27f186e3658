// SPDX-License-Identifier: Apache-2.0
//
// The least that a program which reads captures through libpcap does: every packet is fetched and
// counted, none is looked at. What others take beyond this is their own work.

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <time.h>

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: pcap_loop CAPTURE\n");
        return 2;
    }
    char problem[PCAP_ERRBUF_SIZE];
    double began_s = now_s();
    pcap_t *capture = pcap_open_offline(words[1], problem);
    if (capture == NULL) {
        fprintf(stderr, "pcap_loop: %s\n", problem);
        return 1;
    }
    struct pcap_pkthdr *header;
    const u_char *octets;
    uint64_t packets = 0, wire_octets = 0, touched = 0;
    int answer;
    while ((answer = pcap_next_ex(capture, &header, &octets)) == 1) {
        packets += 1;
        wire_octets += header->len;
        // One octet, so that the compiler cannot leave the packet out.
        touched += header->caplen > 0 ? octets[0] : 0;
    }
    if (answer != PCAP_ERROR_BREAK) {
        fprintf(stderr, "pcap_loop: %s\n", pcap_geterr(capture));
        return 1;
    }
    pcap_close(capture);
    double took_s = now_s() - began_s;
    printf("{\"packets\": %" PRIu64 ", \"octets\": %" PRIu64 ", \"touched\": %" PRIu64
           ", \"seconds\": %.6f, \"packets_per_s\": %.0f, \"version\": \"%s\"}\n",
           packets, wire_octets, touched, took_s, (double)packets / took_s, pcap_lib_version());
    return 0;
}
