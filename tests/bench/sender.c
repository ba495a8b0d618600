/* SPDX-License-Identifier: MIT */
/* Sends frames from a packet socket, many per system call */
#include "sender.h"

#include <errno.h>
#include <error.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define TRIES 1000 /* of a frame that there is no room for */

void sender_open(struct sender *ret_sender, const char *interface, bool bypass,
		 uint8_t ret_address[6])
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct ifreq request = { 0 };
	int one = 1, space = 16 << 20, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		error(1, errno, "no packet socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		error(1, errno, "no interface %s", interface);
	memcpy(ret_address, request.ifr_hwaddr.sa_data, 6);
	to.sll_ifindex = (int)if_nametoindex(interface);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		error(1, errno, "can't bind to %s", interface);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof(space));
	if (bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		error(1, errno, "no way around the queueing discipline");
	memset(ret_sender, 0, sizeof(*ret_sender));
	ret_sender->fd = fd;
	for (unsigned i = 0; i < SENDER_BATCH; i++) {
		ret_sender->messages[i].msg_hdr.msg_iov = &ret_sender->vectors[i];
		ret_sender->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

void sender_add(struct sender *sender, const struct frame *frame)
{
	sender->frames[sender->waiting] = frame;
	sender->vectors[sender->waiting++] = (struct iovec){ frame->bytes, frame->length };
	if (sender->waiting == SENDER_BATCH)
		sender_flush(sender);
}

void sender_count(struct sender *sender, const struct frame *frame)
{
	sender->sent++;
	sender->bytes += frame->length - frame->udp - sizeof(struct udphdr);
}

void sender_flush(struct sender *sender)
{
	unsigned done = 0, tries = 0;

	while (done < sender->waiting) {
		int result =
			sendmmsg(sender->fd, sender->messages + done, sender->waiting - done, 0);

		if (result > 0) {
			for (int i = 0; i < result; i++)
				sender_count(sender, sender->frames[done++]);
			tries = 0;
		} else if (errno == ENETDOWN || ++tries > TRIES) {
			break;
		} else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
			error(1, errno, "sendmmsg");
		}
	}
	sender->waiting = 0;
}
