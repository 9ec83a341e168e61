#ifndef CORDON_CNETFILTER_SHIM_H
#define CORDON_CNETFILTER_SHIM_H

// libmnl's sockets and libnftnl's encoders, in shapes that Swift can call: each function allocates,
// fills, encodes and frees its own objects, and answers false when there was no memory.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

// The name of our table.
#define CORDON_TABLE "cordon"

static inline int cordon_errno(void) { return errno; }

static inline bool cordon_set_option(int socket, int level, int option, int value)
{
	return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

// More than the system's limits where the capability allows it, else up to them.
static inline void cordon_set_buffers(int socket, int bytes)
{
	if (!cordon_set_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, bytes))
		cordon_set_option(socket, SOL_SOCKET, SO_SNDBUF, bytes);
	if (!cordon_set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		cordon_set_option(socket, SOL_SOCKET, SO_RCVBUF, bytes);
}

static inline bool cordon_set_receive_timeout(int socket, int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };
	return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0;
}

// Refuses messages that the kernel sends because of what `port` did: loads nlmsg_pid, which stands
// there in host order and is loaded as if in network order.
static inline bool cordon_ignore_port(int socket, uint32_t port)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 12 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, htonl(port) },
		{ BPF_RET | BPF_K, 0, 0, 0 },
		{ BPF_RET | BPF_K, 0, 0, 0xffffffff },
	};
	struct sock_fprog program = { .len = 4, .filter = code };
	return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static inline ssize_t cordon_receive_now(int socket, void *buffer, size_t size)
{
	return recv(socket, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
}

// ---- what the kernel is asked for -----------------------------------------------------------

// Names are texts that end with a zero; an empty one is left out, and so is the object type 0. Answers
// with the length of the message.
static inline uint32_t cordon_put_request(void *buffer, uint16_t kind, uint16_t flags,
					  uint32_t sequence, const void *table, const void *name,
					  uint32_t object)
{
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buffer, kind, NFPROTO_INET, flags, sequence);
	mnl_attr_put_strz(message, 1, table);
	if (*(const char *)name)
		mnl_attr_put_strz(message, 2, name);
	if (object)
		mnl_attr_put_u32(message, 3, htonl(object));
	return message->nlmsg_len;
}

// ---- table, chain, object -------------------------------------------------------------------

static inline bool cordon_put_table(struct nlmsghdr *message, uint32_t flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	if (!t)
		return false;
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, CORDON_TABLE);
	if (flags)
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
	nftnl_table_nlmsg_build_payload(message, t);
	nftnl_table_free(t);
	return true;
}

// A chain without a hook; with one, hook is not negative.
static inline bool cordon_put_chain(struct nlmsghdr *message, const void *name,
				    int hook, int32_t priority, bool translates)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	if (!c)
		return false;
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, CORDON_TABLE);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	if (hook >= 0) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, translates ? "nat" : "filter");
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, (uint32_t)hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(message, c);
	nftnl_chain_free(c);
	return true;
}

// rate: bytes a second of a limit; 0 for counters and where the message only names the object.
static inline bool cordon_put_object(struct nlmsghdr *message, const void *name,
				     uint32_t type, uint64_t rate, const void *userdata,
				     uint32_t length)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	if (!o)
		return false;
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, CORDON_TABLE);
	nftnl_obj_set_str(o, NFTNL_OBJ_NAME, name);
	nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, type);
	if (length)
		nftnl_obj_set_data(o, NFTNL_OBJ_USERDATA, userdata, length);
	if (type == NFT_OBJECT_LIMIT && rate) {
		nftnl_obj_set_u64(o, NFTNL_OBJ_LIMIT_RATE, rate);
		nftnl_obj_set_u64(o, NFTNL_OBJ_LIMIT_UNIT, 1);
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_BURST, 0);
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES);
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	}
	nftnl_obj_nlmsg_build_payload(message, o);
	nftnl_obj_free(o);
	return true;
}

// ---- sets and elements ----------------------------------------------------------------------

// content: 0 keys, 1 counters, 2 jumps, 3 blocks, 4 paces, which rules add and which go after a minute;
// without a key length the message only names the set.
static inline bool cordon_put_set(struct nlmsghdr *message, const void *name,
				  uint32_t key_type, uint32_t key_length, int content, uint32_t id)
{
	struct nftnl_set *s = nftnl_set_alloc();
	if (!s)
		return false;
	nftnl_set_set_str(s, NFTNL_SET_TABLE, CORDON_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, name);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	if (key_length) {
		uint32_t flags = NFT_SET_TIMEOUT;
		nftnl_set_set_u32(s, NFTNL_SET_ID, id);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, key_type);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, key_length);
		if (content == 1) {
			flags |= NFT_SET_OBJECT;
			nftnl_set_set_u32(s, NFTNL_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
		} else if (content == 2) {
			flags |= NFT_SET_MAP;
			nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
			nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, sizeof(uint32_t));
		} else if (content == 3) {
			flags = NFT_SET_INTERVAL;
		} else if (content == 4) {
			flags |= NFT_SET_EVAL;
			nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, 60000);
			nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, 1024);
		}
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
	}
	nftnl_set_nlmsg_build_payload(message, s);
	nftnl_set_free(s);
	return true;
}

// value: 0 none, 1 a counter's name, 2 a chain's, 3 the key before which a block ends, if as long as the
// key; timeout 0 leaves it out; without a key length the message names all elements.
static inline bool cordon_put_element(struct nlmsghdr *message, const void *set, const void *key,
				      uint32_t key_length, int value, const void *bytes,
				      uint32_t length, uint64_t timeout)
{
	bool ends = value == 3 && length == key_length;
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	struct nftnl_set_elem *after = ends ? nftnl_set_elem_alloc() : NULL;
	if (!s || !e || (ends && !after)) {
		if (e)
			nftnl_set_elem_free(e);
		if (after)
			nftnl_set_elem_free(after);
		if (s)
			nftnl_set_free(s);
		return false;
	}
	nftnl_set_set_str(s, NFTNL_SET_TABLE, CORDON_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	if (key_length)
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, key_length);
	if (value == 1)
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_OBJREF, bytes);
	if (value == 2) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, bytes);
	}
	if (timeout)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout);
	if (key_length)
		nftnl_set_elem_add(s, e);
	else
		nftnl_set_elem_free(e);
	if (after) {
		nftnl_set_elem_set(after, NFTNL_SET_ELEM_KEY, bytes, length);
		nftnl_set_elem_set_u32(after, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
		nftnl_set_elem_add(s, after);
	}
	nftnl_set_elems_nlmsg_build_payload(message, s);
	nftnl_set_free(s);
	return true;
}

// ---- rules ----------------------------------------------------------------------------------

// With an empty chain: all rules of the table. The caller ends it with cordon_put_rule.
static inline struct nftnl_rule *cordon_rule(const void *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	if (!r)
		return NULL;
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, CORDON_TABLE);
	if (*(const char *)chain)
		nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

// Writes the rule, if all of it could be added, and frees it.
static inline bool cordon_put_rule(struct nlmsghdr *message, struct nftnl_rule *rule, bool is_whole)
{
	if (is_whole)
		nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	return is_whole;
}

// Packets a second of each key, which the set learns; a rate of 0: any.
static inline bool cordon_add_pace(struct nftnl_expr *e, const void *set, uint32_t source,
				   uint32_t rate, uint32_t burst)
{
	struct nftnl_expr *limit;
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, source);
	if (!rate)
		return true;
	if (!(limit = nftnl_expr_alloc("limit")))
		return false;
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_add_expr(e, NFTNL_EXPR_DYNSET_EXPRESSIONS, limit);
	return true;
}

// The kinds of Firewall.Expression, by the same numbers.
enum cordon_kind {
	CORDON_PAYLOAD,
	CORDON_META,
	CORDON_DESTINATION_TYPE,
	CORDON_CONNECTION_STATE,
	CORDON_ORIGINAL_SOURCE,
	CORDON_NETWORK_ORDER,
	CORDON_MASK,
	CORDON_EQUALS,
	CORDON_IS_WITHIN,
	CORDON_IS_IN,
	CORDON_IS_NOT_IN,
	CORDON_IS_WITHIN_PACE,
	CORDON_JUMP_BY_MAP,
	CORDON_COUNT_BY_MAP,
	CORDON_COUNT,
	CORDON_IS_OVER,
	CORDON_ACCEPT,
	CORDON_DROP,
	CORDON_JUMP,
	CORDON_GO_TO,
	CORDON_COME_BACK,
	CORDON_REJECT,
	CORDON_REDIRECT,
};

// Adds an expression of a kind of Firewall.Expression, with its parts; bytes end with a zero that length
// leaves out. False when there was no memory, or a value is too long.
static inline bool cordon_add(struct nftnl_rule *rule, unsigned kind, uint32_t reg, uint32_t what,
			      uint32_t first, uint32_t second, const void *bytes, uint32_t length)
{
	static const char *const names[] = {
		"payload", "meta", "fib", "ct", "ct", "byteorder", "bitwise", "cmp", "range",
		"lookup", "lookup", "dynset", "lookup", "objref", "objref", "objref",
		"immediate", "immediate", "immediate", "immediate", "immediate",
		"reject", "immediate",
	};
	static const uint8_t zeros[16];
	static const int verdicts[] = { NF_ACCEPT, NF_DROP, NFT_JUMP, NFT_GOTO, NFT_RETURN };
	uint32_t half = length / 2;
	uint16_t port = htons((uint16_t)what);
	struct nftnl_expr *e = nftnl_expr_alloc(names[kind]);
	if (!e)
		return false;
	// The rule owns what is added.
	nftnl_rule_add_expr(rule, e);
	reg += NFT_REG32_00;
	switch (kind) {
	case CORDON_PAYLOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, first);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, second);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
		break;
	case CORDON_META:
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
		break;
	case CORDON_DESTINATION_TYPE:
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS,
				   NFTA_FIB_F_DADDR | (what ? NFTA_FIB_F_IIF : 0));
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, reg);
		break;
	case CORDON_CONNECTION_STATE:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
		break;
	case CORDON_ORIGINAL_SOURCE:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY,
				   what == NFPROTO_IPV4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6);
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, 0);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
		break;
	case CORDON_NETWORK_ORDER:
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 4);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 4);
		break;
	case CORDON_MASK:
		if (length > sizeof(zeros))
			return false;
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, 0);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, length);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, bytes, length);
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zeros, length);
		break;
	case CORDON_EQUALS:
		if (length > sizeof(zeros))
			return false;
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
		nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, bytes, length);
		break;
	case CORDON_IS_WITHIN:
		if (half > sizeof(zeros))
			return false;
		nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
		nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, bytes, half);
		nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, (const uint8_t *)bytes + half, half);
		break;
	case CORDON_IS_IN:
	case CORDON_IS_NOT_IN:
	case CORDON_JUMP_BY_MAP:
		nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, bytes);
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg);
		if (kind == CORDON_JUMP_BY_MAP)
			nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
		if (kind == CORDON_IS_NOT_IN)
			nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
		break;
	case CORDON_IS_WITHIN_PACE:
		return cordon_add_pace(e, bytes, reg, first, second);
	case CORDON_COUNT_BY_MAP:
		nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_SREG, reg);
		nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_SET_NAME, bytes);
		break;
	case CORDON_COUNT:
	case CORDON_IS_OVER:
		nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE,
				   kind == CORDON_COUNT ? NFT_OBJECT_COUNTER : NFT_OBJECT_LIMIT);
		nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, bytes);
		break;
	case CORDON_ACCEPT:
	case CORDON_DROP:
	case CORDON_JUMP:
	case CORDON_GO_TO:
	case CORDON_COME_BACK:
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdicts[kind - CORDON_ACCEPT]);
		if (length)
			nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, bytes);
		break;
	case CORDON_REJECT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE,
				   what ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE,
				  what ? 0 : NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
		break;
	case CORDON_REDIRECT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
		nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &port, sizeof(port));
		if (!(e = nftnl_expr_alloc("redir")))
			return false;
		nftnl_rule_add_expr(rule, e);
		nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, reg);
		break;
	}
	return true;
}

#endif
