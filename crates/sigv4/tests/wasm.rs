//! The embedded vectors inside a wasm engine, under Node.
#![cfg(target_arch = "wasm32")]

mod vectors;

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn get_object_with_a_range() {
    vectors::GET_OBJECT.check();
}

#[wasm_bindgen_test]
fn put_object_with_a_reserved_character_in_its_key() {
    vectors::PUT_OBJECT.check();
}

#[wasm_bindgen_test]
fn get_bucket_lifecycle_with_a_parameter_without_value() {
    vectors::GET_BUCKET_LIFECYCLE.check();
}

#[wasm_bindgen_test]
fn list_objects_with_two_parameters() {
    vectors::LIST_OBJECTS.check();
}

#[wasm_bindgen_test]
fn targets_take_their_canonical_form() {
    vectors::CANONICAL_FORMS.iter().for_each(vectors::check_canonical_form);
}
