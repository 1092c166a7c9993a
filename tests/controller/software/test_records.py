"""Values and their rows: what one of them has, the other has."""

from dataclasses import fields

from paas_controller.software import records
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member


def test_a_members_row_holds_its_fields_and_whose_it_is() -> None:
    assert set(records.MEMBER.c.keys()) == {field.name for field in fields(Member)} | {"instance"}


def test_an_instances_row_holds_its_fields_its_spec_and_when_it_was_created() -> None:
    own = {field.name for field in fields(Instance)} - {"members"}
    assert set(records.INSTANCE.c.keys()) == own | {"spec", "created_at"}
