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

static inline struct nlmsghdr *cordon_message(void *buffer, uint16_t type, uint16_t flags,
					      uint32_t sequence)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	message->nlmsg_seq = sequence;
	return message;
}

// ---- table, chain, object -------------------------------------------------------------------

static inline bool cordon_put_table(struct nlmsghdr *message, const char *table, uint32_t flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	if (!t)
		return false;
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
	if (flags)
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
	nftnl_table_nlmsg_build_payload(message, t);
	nftnl_table_free(t);
	return true;
}

// A chain without a hook; with one, hook is not negative.
static inline bool cordon_put_chain(struct nlmsghdr *message, const char *table, const char *name,
				    int hook, int32_t priority, bool translates)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	if (!c)
		return false;
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
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
static inline bool cordon_put_object(struct nlmsghdr *message, const char *table, const char *name,
				     uint32_t type, uint64_t rate, const void *userdata,
				     uint32_t length)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	if (!o)
		return false;
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, table);
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
static inline bool cordon_put_set(struct nlmsghdr *message, const char *table, const char *name,
				  uint32_t key_type, uint32_t key_length, int content, uint32_t id)
{
	struct nftnl_set *s = nftnl_set_alloc();
	if (!s)
		return false;
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
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

// end, counter and chain may be null; end has the length of the key; timeout 0 leaves it out; without a
// key length the message names all elements.
static inline bool cordon_put_element(struct nlmsghdr *message, const char *table, const char *set,
				      const void *key, uint32_t key_length, const void *end,
				      const char *counter, const char *chain, uint64_t timeout)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *e = s ? nftnl_set_elem_alloc() : NULL;
	struct nftnl_set_elem *after = e && end ? nftnl_set_elem_alloc() : NULL;
	if (!e || (end && !after)) {
		if (e)
			nftnl_set_elem_free(e);
		if (s)
			nftnl_set_free(s);
		return false;
	}
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	if (key_length)
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, key_length);
	if (counter)
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_OBJREF, counter);
	if (chain) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain);
	}
	if (timeout)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout);
	if (key_length)
		nftnl_set_elem_add(s, e);
	else
		nftnl_set_elem_free(e);
	if (after) {
		nftnl_set_elem_set(after, NFTNL_SET_ELEM_KEY, end, key_length);
		nftnl_set_elem_set_u32(after, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
		nftnl_set_elem_add(s, after);
	}
	nftnl_set_elems_nlmsg_build_payload(message, s);
	nftnl_set_free(s);
	return true;
}

// ---- rules ----------------------------------------------------------------------------------

// Without a chain: all rules of the table. The caller frees it with nftnl_rule_free.
static inline struct nftnl_rule *cordon_rule(const char *table, const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	if (!r)
		return NULL;
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
	if (chain)
		nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

// The rule owns what is added.
static inline struct nftnl_expr *cordon_added(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);
	if (e)
		nftnl_rule_add_expr(rule, e);
	return e;
}

static inline bool cordon_add_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset,
				      uint32_t length, uint32_t target)
{
	struct nftnl_expr *e = cordon_added(rule, "payload");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, length);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, target);
	return true;
}

static inline bool cordon_add_meta(struct nftnl_rule *rule, uint32_t key, uint32_t target)
{
	struct nftnl_expr *e = cordon_added(rule, "meta");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, target);
	return true;
}

static inline bool cordon_add_destination_type(struct nftnl_rule *rule, bool on_input,
					       uint32_t target)
{
	struct nftnl_expr *e = cordon_added(rule, "fib");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS,
			   NFTA_FIB_F_DADDR | (on_input ? NFTA_FIB_F_IIF : 0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, target);
	return true;
}

static inline bool cordon_add_connection(struct nftnl_rule *rule, uint32_t key, bool is_original,
					 uint32_t target)
{
	struct nftnl_expr *e = cordon_added(rule, "ct");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	if (is_original)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, 0);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, target);
	return true;
}

static inline bool cordon_add_network_order(struct nftnl_rule *rule, uint32_t target)
{
	struct nftnl_expr *e = cordon_added(rule, "byteorder");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, target);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, target);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 4);
	return true;
}

// At most 16 bytes.
static inline bool cordon_add_mask(struct nftnl_rule *rule, uint32_t target, const void *mask,
				   uint32_t length)
{
	static const uint8_t zeros[16];
	struct nftnl_expr *e;
	if (length > sizeof(zeros) || !(e = cordon_added(rule, "bitwise")))
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, target);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, target);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, 0);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, length);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zeros, length);
	return true;
}

static inline bool cordon_add_equals(struct nftnl_rule *rule, uint32_t source, const void *value,
				     uint32_t length)
{
	struct nftnl_expr *e = cordon_added(rule, "cmp");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, source);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, length);
	return true;
}

static inline bool cordon_add_range(struct nftnl_rule *rule, uint32_t source, const void *lower,
				    const void *upper, uint32_t length)
{
	struct nftnl_expr *e = cordon_added(rule, "range");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, source);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, lower, length);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, upper, length);
	return true;
}

static inline bool cordon_add_lookup(struct nftnl_rule *rule, const char *set, uint32_t source,
				     bool is_map, bool inverts)
{
	struct nftnl_expr *e = cordon_added(rule, "lookup");
	if (!e)
		return false;
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, source);
	if (is_map)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	if (inverts)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	return true;
}

// Packets a second of each key, which the set learns.
static inline bool cordon_add_pace(struct nftnl_rule *rule, const char *set, uint32_t source,
				   uint32_t rate, uint32_t burst)
{
	struct nftnl_expr *limit = nftnl_expr_alloc("limit");
	struct nftnl_expr *e = limit ? cordon_added(rule, "dynset") : NULL;
	if (!e) {
		if (limit)
			nftnl_expr_free(limit);
		return false;
	}
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, source);
	nftnl_expr_add_expr(e, NFTNL_EXPR_DYNSET_EXPRESSIONS, limit);
	return true;
}

// With a TCP reset, or as administratively prohibited.
static inline bool cordon_add_reject(struct nftnl_rule *rule, bool resets)
{
	struct nftnl_expr *e = cordon_added(rule, "reject");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE,
			   resets ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, resets ? 0 : NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	return true;
}

static inline bool cordon_add_redirect(struct nftnl_rule *rule, uint32_t target, uint16_t port)
{
	const uint16_t value = htons(port);
	struct nftnl_expr *e = cordon_added(rule, "immediate");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, target);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
	e = cordon_added(rule, "redir");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, target);
	return true;
}

static inline bool cordon_add_object_by_map(struct nftnl_rule *rule, const char *map,
					    uint32_t source)
{
	struct nftnl_expr *e = cordon_added(rule, "objref");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_SREG, source);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_SET_NAME, map);
	return true;
}

static inline bool cordon_add_object(struct nftnl_rule *rule, uint32_t type, const char *name)
{
	struct nftnl_expr *e = cordon_added(rule, "objref");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
	return true;
}

// chain: null for a verdict that needs none.
static inline bool cordon_add_verdict(struct nftnl_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *e = cordon_added(rule, "immediate");
	if (!e)
		return false;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
	return true;
}

#endif
