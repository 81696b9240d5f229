//! The files of `envoy-configs/` as their readers use them.

use e2e::envoy::{Envoy, EnvoyOptions};
use e2e::ingress::{Topology, World};

#[test]
fn envoys_own_reader_of_yaml_takes_each_shipped_file() {
    let world = World::new();
    for topology in [Topology::S3, Topology::ApiGateway] {
        let options = EnvoyOptions { extra_args: vec!["--mode".into(), "validate".into()], ..EnvoyOptions::default() };
        // An Envoy that validates says so and ends, which is not being live.
        let log = Envoy::expect_refusal_text(&world.shipped_text(topology), &options).unwrap();
        assert!(log.contains("' OK"), "{}: {log}", topology.file());
    }
}

#[test]
fn every_shipped_file_is_one_that_the_tests_start() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-configs");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    files.sort();
    // serves.rs starts each of the ingress' files and sees a request through; tests/router does so with the gateway's.
    let gateway = ["mesh-gateway-clusters.yaml", "mesh-gateway-routes.yaml", "mesh-gateway.yaml"];
    assert_eq!(files, [&[Topology::ApiGateway.file(), Topology::S3.file()], &gateway[..]].concat());
}

#[test]
fn nobody_outside_can_reach_the_token_or_the_admin_interface() {
    let world = World::new();
    for topology in [Topology::S3, Topology::ApiGateway] {
        let text = world.shipped_text(topology);
        assert!(text.contains("address: 127.0.0.1, port_value: 9901"), "{}", topology.file());
        let shipped = world.shipped(topology);
        let listeners = shipped.value()["static_resources"]["listeners"].as_array().unwrap();
        let token = listeners.iter().find(|listener| listener["name"] == "irsa-token").unwrap();
        assert_eq!(token["address"]["pipe"]["mode"], 0o600);
        let ingress = world.start(topology);
        let socket = world.dir().join("token.sock");
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&socket).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        // And no request of a caller ends there.
        let token = world.aws.token_of(e2e::ingress::SERVICE_ACCOUNT);
        let head = token.split('.').next().unwrap();
        assert!(!ingress.get("/token").unwrap().text().contains(head));
        drop(ingress);
    }
}
