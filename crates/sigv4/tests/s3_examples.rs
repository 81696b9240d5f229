//! AWS's published S3 examples and the embedded canonical forms, natively.
#![cfg(not(target_arch = "wasm32"))]

mod vectors;

#[test]
fn get_object_with_a_range() {
    vectors::GET_OBJECT.check();
}

#[test]
fn put_object_with_a_reserved_character_in_its_key() {
    vectors::PUT_OBJECT.check();
}

#[test]
fn get_bucket_lifecycle_with_a_parameter_without_value() {
    vectors::GET_BUCKET_LIFECYCLE.check();
}

#[test]
fn list_objects_with_two_parameters() {
    vectors::LIST_OBJECTS.check();
}

#[test]
fn targets_take_their_canonical_form() {
    vectors::CANONICAL_FORMS.iter().for_each(vectors::check_canonical_form);
}
