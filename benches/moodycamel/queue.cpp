// moodycamel::ConcurrentQueue of 64-bit numbers, as plain functions. Nothing here allocates once the queue and its tokens are made.

#include <concurrentqueue.h>
#include <cstddef>
#include <cstdint>

using Queue = moodycamel::ConcurrentQueue<std::uint64_t>;

extern "C" {

Queue *many_queue_new(std::size_t capacity, std::size_t producers) {
    return new Queue(capacity, producers, 0);
}
void many_queue_delete(Queue *queue) { delete queue; }

moodycamel::ProducerToken *many_producer_new(Queue *queue) { return new moodycamel::ProducerToken(*queue); }
void many_producer_delete(moodycamel::ProducerToken *token) { delete token; }

moodycamel::ConsumerToken *many_consumer_new(Queue *queue) { return new moodycamel::ConsumerToken(*queue); }
void many_consumer_delete(moodycamel::ConsumerToken *token) { delete token; }

bool many_push(Queue *queue, moodycamel::ProducerToken *token, std::uint64_t message) {
    return queue->try_enqueue(*token, message);
}
bool many_push_all(Queue *queue, moodycamel::ProducerToken *token, const std::uint64_t *messages, std::size_t count) {
    return queue->try_enqueue_bulk(*token, messages, count);
}
bool many_pop(Queue *queue, moodycamel::ConsumerToken *token, std::uint64_t *message) {
    return queue->try_dequeue(*token, *message);
}
std::size_t many_pop_some(Queue *queue, moodycamel::ConsumerToken *token, std::uint64_t *into, std::size_t most) {
    return queue->try_dequeue_bulk(*token, into, most);
}
}
