"""What the broker answers (product.md, "Broker"), asked over real TLS, with the mock GitHub behind it and a mock of the
cluster's TokenReview beside it."""

def test_a_sidecar_is_given_a_narrow_token(broker, kubernetes, github):
    answer = broker.token(kubernetes.issue())
    assert answer.status == 200, answer
    given = answer.json
    assert given["permissions"] == {"contents": "read", "metadata": "read"}
    assert given["repositories"] == [{"id": github.id("acme/widgets"), "name": "widgets"}]
    assert (given["host"], given["owner"]) == ("github.com", "acme")
    assert given["token"] == github.tokens()[-1]
    assert set(given) == {"token", "expires_at", "host", "owner", "repositories", "permissions"}
