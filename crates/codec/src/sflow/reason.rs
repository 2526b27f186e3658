// SPDX-License-Identifier: Apache-2.0
//! Why a packet was dropped: the numbers of discarded interfaces and drop reports, as words.
//!
//! Numbers below 256 are codes of ICMP destination unreachable (RFC 792, RFC 1812).

/// The reasons that have a name, by number.
pub const REASONS: &[(u32, &str)] = &[
    (0, "net_unreachable"),
    (1, "host_unreachable"),
    (2, "protocol_unreachable"),
    (3, "port_unreachable"),
    (4, "fragmentation_needed"),
    (5, "source_route_failed"),
    (6, "dst_net_unknown"),
    (7, "dst_host_unknown"),
    (8, "src_host_isolated"),
    (9, "dst_net_prohibited"),
    (10, "dst_host_prohibited"),
    (11, "dst_net_tos_unreachable"),
    (12, "dst_host_tos_unreachable"),
    (13, "communication_prohibited"),
    (14, "host_precedence_violation"),
    (15, "precedence_cutoff"),
    (256, "unknown"),
    (257, "ttl_exceeded"),
    (258, "acl"),
    (259, "no_buffer_space"),
    (260, "red"),
    (261, "traffic_shaping"),
    (262, "packet_too_big"),
    (263, "src_mac_is_multicast"),
    (264, "vlan_tag_mismatch"),
    (265, "ingress_vlan_filter"),
    (266, "ingress_spanning_tree_filter"),
    (267, "port_list_is_empty"),
    (268, "port_loopback_filter"),
    (269, "blackhole_route"),
    (270, "non_ip"),
    (271, "unicast_dip_over_multicast_dmac"),
    (272, "dip_is_loopback"),
    (273, "sip_is_multicast"),
    (274, "sip_is_loopback"),
    (275, "ip_header_corrupted"),
    (276, "sip_is_limited_broadcast"),
    (277, "ipv6_multicast_dip_reserved_scope"),
    (278, "ipv6_multicast_dip_interface_local_scope"),
    (279, "unresolved_neighbour"),
    (280, "multicast_reverse_path_forwarding"),
    (281, "non_routable_packet"),
    (282, "decap_error"),
    (283, "overlay_smac_is_multicast"),
    (284, "unknown_l2"),
    (285, "unknown_l3"),
    (286, "unknown_l3_exception"),
    (287, "unknown_buffer"),
    (288, "unknown_tunnel"),
    (289, "unknown_l4"),
    (290, "sip_is_unspecified"),
    (291, "mlag_port_isolation"),
    (292, "blackhole_arp_neighbour"),
    (293, "src_mac_is_dst_mac"),
    (294, "dmac_is_reserved"),
    (295, "sip_is_class_e"),
    (296, "multicast_dmac_mismatch"),
    (297, "sip_is_dip"),
    (298, "dip_is_local_network"),
    (299, "dip_is_link_local"),
    (300, "overlay_smac_is_dmac"),
    (301, "egress_vlan_filter"),
    (302, "unicast_reverse_path_forwarding"),
    (303, "split_horizon"),
    (304, "locked_port"),
    (305, "dmac_filter"),
    (306, "blackhole_nexthop"),
    (307, "vxlan_parsing"),
    (308, "llc_snap_parsing"),
    (309, "vlan_parsing"),
    (310, "pppoe_ppp_parsing"),
    (311, "mpls_parsing"),
    (312, "arp_parsing"),
    (313, "ip_first_header_parsing"),
    (314, "ip_other_header_parsing"),
    (315, "gre_parsing"),
    (316, "udp_parsing"),
    (317, "tcp_parsing"),
    (318, "ipsec_parsing"),
    (319, "sctp_parsing"),
    (320, "dccp_parsing"),
    (321, "gtp_parsing"),
    (322, "esp_parsing"),
    (323, "unknown_parsing"),
    (324, "packet_too_small"),
    (325, "unhandled_protocol"),
    (326, "ipv6_disabled"),
    (327, "invalid_protocol"),
    (328, "ip_no_protocol"),
    (329, "skb_checksum"),
    (330, "skb_user_copy_fault"),
    (331, "device_not_ready"),
    (332, "device_header"),
    (333, "duplicate_fragment"),
    (334, "gso_segment"),
    (335, "reverse_path_filter"),
    (336, "icmp_parsing"),
    (337, "tcp_md5_not_found"),
    (338, "tcp_md5_unexpected"),
    (339, "tcp_md5_failure"),
    (340, "tcp_flags"),
    (341, "tcp_zero_window"),
    (342, "tcp_old_data"),
    (343, "tcp_over_window"),
    (344, "tcp_out_of_order_merge"),
    (345, "tcp_paws"),
    (346, "tcp_invalid_sequence"),
    (347, "tcp_reset"),
    (348, "tcp_invalid_syn"),
    (349, "tcp_close"),
    (350, "tcp_fast_open"),
    (351, "tcp_old_ack"),
    (352, "tcp_too_old_ack"),
    (353, "tcp_ack_of_unsent_data"),
    (354, "tcp_out_of_order_queue_prune"),
    (355, "tcp_out_of_order_drop"),
    (356, "tcp_min_ttl"),
    (357, "ipv6_bad_extension_header"),
    (358, "ipv6_ndisc_fragment"),
    (359, "ipv6_hop_limit"),
    (360, "ipv6_bad_code"),
    (361, "ipv6_bad_options"),
    (362, "ipv6_ndisc_other_host"),
    (363, "tap_filter"),
    (364, "tap_transmit_filter"),
    (365, "tc_ingress"),
    (366, "tc_egress"),
    (367, "xdp"),
    (368, "cpu_backlog"),
    (369, "bpf_cgroup_egress"),
    (370, "xfrm_policy"),
    (371, "socket_filter"),
    (372, "bgp_flowspec"),
];

/// The reason as a word, if it has one. Two numbers that some agents send are taken for what they mean: 33 for
/// `device_header`, 36 for `tc_egress`.
pub fn reason_name(reason: u32) -> Option<&'static str> {
    reason_place(reason).and_then(|place| REASONS.get(place)).map(|(_, name)| *name)
}

/// Its place in [`REASONS`], if it has a name.
pub fn reason_place(reason: u32) -> Option<usize> {
    let reason = match reason {
        33 => 332,
        36 => 366,
        other => other,
    };
    REASONS.binary_search_by_key(&reason, |(number, _)| *number).ok()
}

/// The reason as element `forwardingStatus` says it (IPFIX element 89): the two upper bits are `dropped`, the lower six
/// say why where one of its few reasons clearly is the same, and 0 (unknown) elsewhere.
pub const fn forwarding_status(reason: u32) -> u8 {
    let why = match reason {
        // Prohibited by an administrator, or by a list of rules.
        9 | 10 | 13 | 258 => 1,
        // No route.
        0 | 6 | 7 | 11 | 12 | 281 => 3,
        // No neighbour.
        279 => 4,
        // Fragmentation needed and not allowed.
        4 | 262 => 5,
        257 | 359 => 9,
        // A policer, or a shaper.
        261 => 10,
        // Random early detection.
        260 => 11,
        // Reverse path.
        280 | 302 | 335 => 12,
        _ => 0,
    };
    0b1000_0000 | why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_in_order_and_fewer_than_a_small_vocabulary_holds() {
        assert!(REASONS.is_sorted_by(|one, next| one.0 < next.0));
        assert!(REASONS.len() < 255);
    }

    #[test]
    fn reasons_have_names() {
        assert_eq!(reason_name(257), Some("ttl_exceeded"));
        assert_eq!(reason_name(33), reason_name(332));
        assert_eq!(reason_name(36), Some("tc_egress"));
        assert_eq!(reason_name(100), None);
    }

    #[test]
    fn a_reason_that_forwarding_status_has_none_for_is_dropped_and_unknown() {
        assert_eq!(forwarding_status(258), 0x81);
        assert_eq!(forwarding_status(257), 0x89);
        assert_eq!(forwarding_status(256), 0x80);
    }
}
