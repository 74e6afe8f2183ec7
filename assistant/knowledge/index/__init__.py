"""The vector index: what FAISS holds in memory of a space, following the database. Only this
package knows FAISS.

- ``kinds``: which FAISS index a kind's name stands for; ``engine``: how it is made and searched
- ``gpu``: the copy that is searched where there is a GPU
- ``segments``: the immutable state that searches read
- ``building``: a new base from the database, with its recall measured where it is approximate
- ``snapshot``: a file published whole or not at all; ``files``: the file of an index
- ``following``: joins them: opens, catches up, renews, publishes
"""
